/* The schedules of fastgd.rates, in the same order of operations: each returns one rate for every epoch. */

const SILVER_RATIO = 1 + Math.sqrt(2);
const CYCLE_ERROR = 1e-4; // a cycle of Chebyshev rates multiplies the error by this or less
const ROUNDING = 4 * Number.EPSILON; // relative rounding error of the products of an epoch
const SAFETY = 1000; // no cycle of eigenvalues tries to go below this multiple of the rounding of its longest step

/* Return the schedules' rates for the eigenvalues of the Hessian, the largest first. */
const schedules = {
  constant: (epochs, [largest], multiple = 1) => Array(epochs).fill(multiple / largest),
  silver: (epochs, [largest, smallest]) => silver(epochs, largest, smallest),
  chebyshev: (epochs, [largest, smallest]) => chebyshev(epochs, largest, smallest),
  eigenvalues: (epochs, spectrum) => eigenvalues(epochs, spectrum),
};

/* Steps of (1 + ρ^(ν(k) − 1))/smoothness, where 2^ν(k) divides k; they restart where they are known to halve the error. */
function silver(epochs, smoothness, convexity) {
  let power = 1;
  const bound = k => 1 + Math.sqrt(4 * SILVER_RATIO ** (2 * k) - 3);
  while (8 * smoothness / convexity > bound(power) && 2 ** power <= epochs) power += 1;
  const length = 2 ** power - 1;
  return Array.from({ length: epochs }, (_, epoch) => {
    const k = epoch % length + 1;
    return (1 + SILVER_RATIO ** (Math.log2(k & -k) - 1)) / smoothness;
  });
}

/* Reciprocals of the roots of Chebyshev polynomials on [convexity, smoothness], in an order that keeps errors small. */
function chebyshev(epochs, smoothness, convexity) {
  if (!(convexity < smoothness)) return Array(epochs).fill(1 / smoothness);
  return chebyshevCycles(epochs, smoothness, convexity).flatMap(length => {
    const least = Math.max(convexity, smoothness * Math.tanh(Math.log(2 / CYCLE_ERROR) / (2 * length)) ** 2);
    const centre = (smoothness + least) / 2, radius = (smoothness - least) / 2;
    return orderRoots(length).map(odd => 1 / (centre - radius * Math.cos(odd * Math.PI / (2 * length))));
  });
}

/* The lengths of the cycles that fill the epochs: powers of two, but for a first cycle that is cut short. */
function chebyshevCycles(epochs, smoothness, convexity) {
  let length = cycleLength(smoothness, convexity), left = epochs;
  if (length > left) {
    const unit = 2 ** Math.max(bitLength(left) - 3, 0);
    length = Math.floor(left / unit) * unit;
  }
  const lengths = [];
  while (left) {
    lengths.push(...Array(Math.floor(left / length)).fill(length));
    left %= length;
    length = Math.min(length, 2 ** Math.max(bitLength(left) - 1, 0));
  }
  return lengths;
}

/* The number of epochs of a whole cycle: a power of two. */
function cycleLength(smoothness, convexity) {
  const needed = Math.log(2 / CYCLE_ERROR) / (2 * Math.atanh(Math.sqrt(convexity / smoothness)));
  return 2 ** Math.ceil(Math.log2(Math.max(needed, 1)));
}

const bitLength = number => number ? Math.floor(Math.log2(number)) + 1 : 0;

/* The odd numbers below 2·length: after each comes its mirror image, whose short rate takes off what the long one added. */
function orderRoots(length) {
  let order = [1];
  for (const bit of length.toString(2).slice(1)) {
    const middle = 2 * order.length + Number(bit);
    order = order.flatMap(odd => [odd, 2 * middle - odd]);
    if (bit === "1") order.push(middle);
  }
  return order;
}

/* Reciprocals of the eigenvalues: the next rate always removes the part of the gradient with the largest bound. */
function eigenvalues(epochs, spectrum) {
  const cycle = orderEigenvalues(spectrum);
  if (cycle.length > epochs) return chebyshev(epochs, spectrum[0], spectrum.at(-1));
  const whole = epochs - epochs % cycle.length;
  return Array.from({ length: epochs }, (_, epoch) => 1 / (epoch < whole ? spectrum[cycle[epoch % cycle.length]] : spectrum[0]));
}

/* Return the index of the eigenvalue for each epoch of a cycle that leaves nothing but rounding. */
function orderEigenvalues(spectrum) {
  const shares = spectrum.map(value => value / spectrum[0]);
  const least = Math.max(1e-12, SAFETY * Number.EPSILON * Math.sqrt(spectrum[0] / spectrum.at(-1)));
  const cycle = [];
  let parts = shares; // bounds of the gradient's parts, if the error starts at 1 along each eigenvector
  while (parts.some((part, k) => part > least * shares[k])) {
    const chosen = parts.indexOf(Math.max(...parts)), inverse = 1 / shares[chosen];
    cycle.push(chosen);
    parts = parts.map((part, k) => part * Math.abs(1 - inverse * shares[k]) + inverse * ROUNDING * Math.sqrt(shares[k]) * shares[k]);
  }
  return cycle;
}
