/* The picture of the path over the contours of J, in the coordinates of the descent. */

const LEVELS = 10, LEVEL_RATIO = 2.5; // contours, and the ratio of their heights above the least cost
const REACH = 1.3; // half of the picture, as a multiple of the start's distance from the minimum
const FARTHEST = 1000; // times that: the picture of a whole path is no wider

/* Return the half widths of a picture around the minimum, in the units of the points and on one scale. */
function findReach({ points, target }, width, height, whole, epoch) {
  const shown = whole ? points.slice(0, epoch + 1) : [];
  const largest = (k, list) => Math.max(...list.map(point => Math.abs(point[k] - target[k])));
  const start = Math.hypot(points[0][0] - target[0], points[0][1] - target[1]);
  const pixels = Math.min(width / 2, height / 2) / (REACH * start) || 1;
  const near = [width / 2 / pixels, height / 2 / pixels];
  const needed = Math.max(1, ...[0, 1].map(k => shown.length ? 1.08 * largest(k, shown) / near[k] : 1));
  return near.map(one => one * Math.min(needed, FARTHEST));
}

/* Draw the path up to an epoch over the contours of J, in the coordinates of the descent. */
function drawPath(svg, width, height, found, epoch, names, whole) {
  const { points, target } = found;
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const reach = findReach(found, right - MARGIN.left, bottom - MARGIN.top, whole, epoch);
  const x = scaleTo(target[0] - reach[0], target[0] + reach[0], MARGIN.left, right);
  const y = scaleTo(target[1] - reach[1], target[1] + reach[1], bottom, MARGIN.top);
  const place = ([first, second]) => [x(first), y(second)];
  const apart = Math.hypot(x(points[0][0]) - x(target[0]), y(points[0][1]) - y(target[1])) > 60; // else names would overlap
  const ticks = k => findTicks(target[k] - reach[k], target[k] + reach[k], k ? height / 45 : width / 70);
  const walked = points.slice(0, epoch + 1).map(place).map(([a, b]) => [limit(a), limit(b)]);
  const clip = `${svg.id}-clip`, box = [MARGIN.left, MARGIN.top, right, bottom];
  fill(svg, width, height, [
    ["clipPath", { id: clip }, ["rect", { x: MARGIN.left, y: MARGIN.top, width: right - MARGIN.left, height: bottom - MARGIN.top }]],
    ["g", { "clip-path": `url(#${clip})` },
      ...drawContours(found, place(target), (right - MARGIN.left) / 2 / reach[0], reach),
      ["path", { class: "through", d: join(walked, box, true) }],
      ["path", { class: "path", d: join(walked, box, false) }],
      ...walked.map(([cx, cy], k) => ["circle", { class: "epoch", "data-epoch": k, cx, cy, r: 2.6 }]),
      ["circle", { class: "start", cx: x(points[0][0]), cy: y(points[0][1]), r: 5.5 }],
      ["circle", { class: "now", cx: walked[epoch][0], cy: walked[epoch][1], r: 7 }],
      ["path", { class: "minimum", d: star(...place(target), 8) }],
      ...(apart ? [[points[0], "start"], [target, "minimum"]].map(([point, words]) => ["text", { class: "label", x: x(point[0]), y: y(point[1]) + 23 }, words]) : []),
    ],
    ...frame(width, height, ticks(0).map(one => [x(one), show(one, 3)]), ticks(1).map(one => [y(one), show(one, 3)]), names),
    ...markOutside(walked[epoch], place(target), box, found, epoch, width),
  ]);
}

/* Return a coordinate that a browser can draw. */
const limit = pixels => Math.max(-1e6, Math.min(1e6, pixels));

/* Return the contours of J: ellipses along the eigenvectors of the Hessian, the outermost first. */
function drawContours({ Z, spectrum }, [cx, cy], pixels, reach) {
  const [r11, r12, r22] = factorize(Z), [a, b, d] = [r11 ** 2, r11 * r12, r12 ** 2 + r22 ** 2];
  const steepest = Math.atan2(2 * b, a - d) / 2; // the angle of the eigenvector of the largest eigenvalue
  const corner = (a * reach[0] ** 2 + 2 * Math.abs(b) * reach[0] * reach[1] + d * reach[1] ** 2) / 2; // the highest J
  return Array.from({ length: LEVELS }, (_, k) => {
    const height = corner / LEVEL_RATIO ** (k + 1);
    const [rx, ry] = spectrum.map(value => Math.sqrt(2 * height / value) * pixels);
    return ["ellipse", { class: "contour", rx, ry, transform: `translate(${cx.toFixed(2)} ${cy.toFixed(2)}) rotate(${(-steepest * 180 / Math.PI).toFixed(3)})` }];
  });
}

/* Return the outline of a star with five points. */
function star(x, y, size) {
  const corners = Array.from({ length: 10 }, (_, k) => {
    const angle = Math.PI * (k / 5 - 0.5), radius = k % 2 ? size * 0.42 : size;
    return `${(x + radius * Math.cos(angle)).toFixed(2)} ${(y + radius * Math.sin(angle)).toFixed(2)}`;
  });
  return `M${corners.join("L")}Z`;
}

const isInside = ([x, y], [left, top, right, bottom]) => x >= left && x <= right && y >= top && y <= bottom;

/* Return the lines between points: those that only pass through the picture, or all others. */
function join(points, box, through) {
  const place = ([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`;
  return points.slice(1).map((point, k) => {
    const passes = !isInside(points[k], box) && !isInside(point, box);
    return passes === through ? `M${place(points[k])}L${place(point)}` : "";
  }).join("");
}

/* Return an arrow at the edge and a sentence if the weights of an epoch are outside of the picture. */
function markOutside([px, py], [cx, cy], box, { points, target }, epoch, width) {
  if (isInside([px, py], box)) return [];
  const [left, top, right, bottom] = box;
  const [dx, dy] = [px - cx, py - cy];
  const share = Math.min(...[[dx, left - cx, right - cx], [dy, top - cy, bottom - cy]].map(
    ([step, low, high]) => step ? (step < 0 ? low : high) / step : Infinity));
  const distance = point => Math.hypot(point[0] - target[0], point[1] - target[1]);
  const words = `outside: ${show(distance(points[epoch]) / distance(points[0]), 2)} × as far as the start`;
  const angle = Math.atan2(dy, dx) * 180 / Math.PI;
  return [
    ["path", { class: "arrow outward", d: "M0 0L-15 -8L-15 8Z", transform: `translate(${(cx + share * dx).toFixed(2)} ${(cy + share * dy).toFixed(2)}) rotate(${angle.toFixed(1)})` }],
    ["text", { class: "outside", x: keepIn((left + right) / 2, words, width), y: cy < (top + bottom) / 2 ? bottom - 10 : top + 20 }, words],
  ];
}
