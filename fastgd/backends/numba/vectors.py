"""Tiles of vectors for Numba, which itself has no vectors: the loops of loops.py compute with them.

Design:
(a) A tile is rows × columns vectors of four doubles. Its shape is part of its type, so LLVM keeps it in registers.
(b) Arithmetic is element by element. A single row or column is repeated to fit the other tile, as in NumPy.
(c) The loops fix the order of every sum. A product and a sum may be fused; NaN and infinities are treated as usual.
(d) Where a processor's vectors are shorter, LLVM splits them. Nothing is checked at run time: a loop must load only
    numbers that exist.

References
----------
LLVM Language Reference Manual, "Vector Operations", "llvm.prefetch"; Numba manual, "Low-level extension API".
"""

# Code for the compiler, in its types rather than in Python's.
# mypy: disable-error-code="no-untyped-def, no-untyped-call, call-arg, misc, import-untyped"

import operator

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

LANES = 4
INT = ir.IntType(32)
VECTOR = ir.VectorType(ir.DoubleType(), LANES)
NOTHING = ir.Constant(VECTOR, [0.0] * LANES)
FUSE = ("contract",)
LOW, HIGH, EVEN, ODD = [0, 1, 4, 5], [2, 3, 6, 7], [0, 4, 2, 6], [1, 5, 3, 7]  # lanes of two vectors


class Tile(types.Type):
    """The type of a tile: its numbers of rows and columns of vectors."""

    def __init__(self, rows, columns):
        self.rows, self.columns = rows, columns
        super().__init__(name=f"Tile({rows}, {columns})")

    def get(self, builder, value, row, column):
        """Return the vector at a row and column; a single row or column is repeated."""
        index = min(row, self.rows - 1) * self.columns + min(column, self.columns - 1)
        return builder.extract_value(value, index)

    def build(self, builder, vector):
        """Return a tile, given a function from row and column to a vector."""
        value = ir.Constant(ir.ArrayType(VECTOR, self.rows * self.columns), ir.Undefined)
        for index in range(self.rows * self.columns):
            value = builder.insert_value(value, vector(*divmod(index, self.columns)), index)
        return value


@register_model(Tile)
class TileModel(models.PrimitiveModel):
    """LLVM's type for a tile: an array of vectors."""

    def __init__(self, manager, tile):
        super().__init__(manager, tile, ir.ArrayType(VECTOR, tile.rows * tile.columns))


ONE = Tile(1, 1)


def define_arithmetic(operation, instruction):
    """Define one of Numba's operators for tiles."""

    @infer_global(operation)
    class Typing(AbstractTemplate):
        def generic(self, arguments, keywords):
            if not all(isinstance(argument, Tile) for argument in arguments):
                return None
            a, b = arguments
            return signature(Tile(max(a.rows, b.rows), max(a.columns, b.columns)), a, b)

    @lower_builtin(operation, Tile, Tile)
    def generate(context, builder, signature, arguments):
        def vector(*cell):
            pair = [tile.get(builder, value, *cell) for tile, value in zip(signature.args, arguments, strict=True)]
            return getattr(builder, instruction)(*pair, flags=FUSE)

        return signature.return_type.build(builder, vector)


define_arithmetic(operator.add, "fadd")
define_arithmetic(operator.iadd, "fadd")
define_arithmetic(operator.sub, "fsub")
define_arithmetic(operator.mul, "fmul")


def shuffle(builder, a, b, lanes):
    """Return a vector of lanes taken from a (0 to 3) and b (4 to 7)."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(INT, LANES), list(lanes)))


def fill(builder, value):
    """Return a vector with the same number in all lanes."""
    one = builder.insert_element(ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined), value, INT(0))
    return shuffle(builder, one, one, [0] * LANES)


def add_up(builder, vectors):
    """Return the sum of vectors, one after the other."""
    total, *others = vectors
    for vector in others:
        total = builder.fadd(total, vector, flags=FUSE)
    return total


def vector_pointer(builder, pointer, index, offset=0):
    """Return the address of the four numbers at index + offset."""
    place = builder.gep(pointer, [builder.add(index, index.type(offset))])
    return builder.bitcast(place, ir.VectorType(pointer.type.pointee, LANES).as_pointer())


def read_vector(builder, place):
    """Return the four numbers at an address, as doubles."""
    is_double = place.type.pointee == VECTOR
    vector = builder.load(place, align=8 if is_double else 4)
    return vector if is_double else builder.fpext(vector, VECTOR)


def returns(tile, argument_types, vector):
    """Return an intrinsic's signature, and the function that builds its tile: one `vector` for each cell."""

    def generate(context, builder, signature, arguments):
        return tile.build(builder, lambda *cell: vector(builder, arguments, *cell))

    return tile(*argument_types), generate


@intrinsic(prefer_literal=True)
def zeros(typing, rows, columns):
    """Return a tile of zeros."""
    tile = Tile(rows.literal_value, columns.literal_value)
    return returns(tile, [rows, columns], lambda builder, arguments, *cell: NOTHING)


@intrinsic
def splat(typing, value):
    """Return a vector with the same number in all lanes."""
    return returns(ONE, [types.float64], lambda builder, arguments, *cell: fill(builder, arguments[0]))


@intrinsic(prefer_literal=True)
def splat_each(typing, pointer, index, step, rows):
    """Return a tile of one column: each vector repeats one of the numbers at an index, `step` numbers apart."""

    def vector(builder, arguments, row, column):
        start, index, step = arguments[:3]
        index = builder.add(index, builder.mul(step, step.type(row)))
        return fill(builder, builder.load(builder.gep(start, [index])))

    return returns(Tile(rows.literal_value, 1), [pointer, types.intp, types.intp, rows], vector)


@intrinsic(prefer_literal=True)
def splat_lanes(typing, tile, rows):
    """Return a tile of one column: each vector repeats one of the first lanes of a vector."""

    def vector(builder, arguments, row, column):
        lanes = builder.extract_value(arguments[0], 0)
        return shuffle(builder, lanes, lanes, [row] * LANES)

    return returns(Tile(rows.literal_value, 1), [tile, rows], vector)


@intrinsic(prefer_literal=True)
def load(typing, pointer, index, step, rows, columns):
    """Return a tile of the numbers at an index: rows are `step` numbers apart, columns lie next to each other."""

    def vector(builder, arguments, row, column):
        start, index, step = arguments[:3]
        index = builder.add(index, builder.mul(step, step.type(row)))
        return read_vector(builder, vector_pointer(builder, start, index, column * LANES))

    tile = Tile(rows.literal_value, columns.literal_value)
    return returns(tile, [pointer, types.intp, types.intp, rows, columns], vector)


@intrinsic(prefer_literal=True)
def load_transposed(typing, pointer, index, features, groups):
    """Return a tile with one row for each feature; each of its columns holds four rows of the data.

    Four features of a row are read at once. For three features, the last row is read from one number before it, since
    nothing may follow it.
    """
    p = features.literal_value

    def vector(builder, arguments, feature, group):
        def four(offset):
            return read_vector(builder, vector_pointer(builder, *arguments[:2], group * LANES * p + offset))

        if p == 2:
            return shuffle(builder, four(0), four(LANES), range(feature, 2 * LANES, 2))
        first = min(feature // LANES * LANES, max(p - LANES, 0))  # the last four features overlap the ones before
        a, b, c, d = (four(row * p + first - (p < LANES and row == LANES - 1)) for row in range(LANES))
        if p < LANES:
            d = shuffle(builder, d, d, [1, 2, 3, 3])
        lanes, half = (EVEN, ODD)[(feature - first) % 2], (LOW, HIGH)[(feature - first) // 2]
        return shuffle(builder, shuffle(builder, a, b, lanes), shuffle(builder, c, d, lanes), half)

    return returns(Tile(p, groups.literal_value), [pointer, types.intp, features, groups], vector)


@intrinsic
def store(typing, pointer, index, tile):
    """Write a tile of one row, beginning at an index."""

    def generate(context, builder, signature, arguments):
        start, index, value = arguments
        for column in range(tile.columns):
            place = vector_pointer(builder, start, index, column * LANES)
            builder.store(tile.get(builder, value, 0, column), place, align=8)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, tile), generate


@intrinsic
def store_rows(typing, pointer, index, step, tile):
    """Write the rows of a tile, beginning at an index, `step` numbers apart."""

    def generate(context, builder, signature, arguments):
        start, index, step, value = arguments
        for row in range(tile.rows):
            first = builder.add(index, builder.mul(step, step.type(row)))
            for column in range(tile.columns):
                place = vector_pointer(builder, start, first, column * LANES)
                builder.store(tile.get(builder, value, row, column), place, align=8)
        return context.get_dummy_value()

    return types.void(pointer, types.intp, types.intp, tile), generate


@intrinsic
def add_rows(typing, tile):
    """Return the sum of a tile's rows, one after the other: a tile of one row."""

    def vector(builder, arguments, _, column):
        return add_up(builder, [tile.get(builder, arguments[0], row, column) for row in range(tile.rows)])

    return returns(Tile(1, tile.columns), [tile], vector)


@intrinsic
def add_columns(typing, tile):
    """Return the sum of a tile's columns, one after the other: a tile of one column."""

    def vector(builder, arguments, row, _):
        return add_up(builder, [tile.get(builder, arguments[0], row, column) for column in range(tile.columns)])

    return returns(Tile(tile.rows, 1), [tile], vector)


@intrinsic
def add_lanes(typing, tile):
    """Return a tile of one row: each lane is the sum of the lanes of one row; the last sum is repeated."""

    def vector(builder, arguments, _, group):
        rows = [tile.get(builder, arguments[0], group * LANES + k, 0) for k in range(LANES)]
        ab, cd = (
            builder.fadd(shuffle(builder, *pair, EVEN), shuffle(builder, *pair, ODD)) for pair in (rows[:2], rows[2:])
        )
        return builder.fadd(shuffle(builder, ab, cd, LOW), shuffle(builder, ab, cd, HIGH))

    return returns(Tile(1, -(-tile.rows // LANES)), [tile], vector)


@intrinsic
def first_lane(typing, tile):
    """Return the number in the first lane of a tile."""

    def generate(context, builder, signature, arguments):
        return builder.extract_element(builder.extract_value(arguments[0], 0), INT(0))

    return types.float64(tile), generate


@intrinsic
def clear_lanes(typing, tile, count):
    """Return a vector with zeros in its first `count` lanes."""

    def vector(builder, arguments, row, column):
        lanes, count = builder.extract_value(arguments[0], 0), arguments[1]
        numbers = ir.Constant(ir.VectorType(count.type, LANES), list(range(LANES)))
        return builder.select(builder.icmp_signed("<", numbers, fill(builder, count)), NOTHING, lanes)

    return returns(ONE, [tile, types.intp], vector)
