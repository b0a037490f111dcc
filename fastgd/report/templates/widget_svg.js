/* Shapes of SVG, scales, ticks and frames. */

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 58, right: 12, top: 10, bottom: 38 };

/* Fill an svg element of a size in pixels with the shapes that a function draws in it. */
function fill(svg, width, height, shapes) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.replaceChildren(...svg.querySelectorAll(":scope > title, :scope > desc"), ...shapes.map(makeShape));
}

/* Return an element of a nested list [tag, attributes, text or lists…]. */
function makeShape([tag, attributes, ...inside]) {
  const shape = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    shape.setAttribute(name, typeof value === "number" ? Number(value.toFixed(2)) : value);
  }
  shape.append(...inside.map(one => Array.isArray(one) ? makeShape(one) : one));
  return shape;
}

/* Return a function from [from, to] to [start, end]. */
const scaleTo = (from, to, start, end) => value => start + (value - from) / (to - from) * (end - start);

/* Return round numbers inside a range. */
function findTicks(from, to, most) {
  const raw = (to - from) / most, unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * [1, 2, 5, 10].find(one => one * unit >= raw);
  const first = Math.ceil(from / step), last = Math.floor(to / step);
  return Array.from({ length: last - first + 1 }, (_, k) => (first + k) * step);
}

/* Return the place of the middle of a text that would else leave the picture on the right; letters are less than 7 pixels wide. */
const keepIn = (x, words, width) => Math.min(x, width - 3.5 * words.length);

/* Return the frame of a picture: ticks are [pixels, words], across and upwards. */
function frame(width, height, across, upwards, names) {
  const [bottom, right] = [height - MARGIN.bottom, width - MARGIN.right];
  const middle = (MARGIN.top + bottom) / 2;
  return [
    ...across.map(([x, words]) => ["text", { class: "tick-x", x: keepIn(x, words, width), y: bottom + 15 }, words]),
    ...upwards.map(([y, words]) => ["text", { class: "tick-y", x: MARGIN.left - 6, y: y + 4 }, words]),
    ["rect", { class: "frame", x: MARGIN.left, y: MARGIN.top, width: right - MARGIN.left, height: bottom - MARGIN.top }],
    ["text", { class: "name", x: (MARGIN.left + right) / 2, y: height - 6 }, names[0]],
    ["text", { class: "name", x: 0, y: 0, transform: `translate(12 ${middle}) rotate(-90)` }, names[1]],
  ];
}
