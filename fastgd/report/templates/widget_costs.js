/* The picture of the costs: J − J* of every epoch on a logarithmic scale. */

const FLOOR = 1e-8, CEILINGS = [1e1, 1e6]; // a run that exceeds the first ceiling gets the second

/* Draw J − J* of every epoch up to one, on a logarithmic scale; `kept` has the name and the costs of an earlier run, or is null. */
function drawCosts(svg, width, height, found, epoch, kept) {
  const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
  const most = Math.max(...found.excess, ...(kept?.excess ?? []));
  const ceiling = CEILINGS[most > CEILINGS[0] ? 1 : 0], last = found.excess.length - 1;
  const x = scaleTo(0, last, MARGIN.left, right);
  const y = scaleTo(Math.log10(FLOOR), Math.log10(ceiling), bottom, MARGIN.top);
  const place = (cost, k) => [x(k), Math.max(y(Math.log10(Math.max(cost, 1e-300))), -1e4)];
  const powers = findTicks(Math.log10(FLOOR), Math.log10(ceiling), height / 30).filter(Number.isInteger);
  const walked = found.excess.slice(0, epoch + 1).map(place).map(([a, b]) => [a, Math.min(b, bottom)]);
  const line = list => list.map(([a, b]) => `${a.toFixed(2)},${Math.min(b, bottom).toFixed(2)}`).join(" ");
  const clip = `${svg.id}-clip`;
  fill(svg, width, height, [
    ["clipPath", { id: clip }, ["rect", { x: MARGIN.left - 7, y: MARGIN.top, width: right - MARGIN.left + 14, height: bottom - MARGIN.top + 7 }]],
    ...powers.map(power => ["line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(power), y2: y(power) }]),
    ...frame(width, height, findTicks(0, last, width / 60).map(k => [x(k), show(k, 3)]), powers.map(power => [y(power), power ? `10${raise(power)}` : "1"]), ["epoch", "J − J*"]),
    ["g", { "clip-path": `url(#${clip})` },
      ...(kept ? [["polyline", { class: "kept", points: line(kept.excess.map(place)) }]] : []),
      ["polyline", { class: "path", points: line(walked) }],
      ...walked.map(([cx, cy], k) => ["circle", { class: "epoch", "data-epoch": k, cx, cy, r: 2.2 }]),
      ["circle", { class: "now", cx: walked[epoch][0], cy: walked[epoch][1], r: 6 }],
    ],
    ...(kept ? [["text", { class: "leaves", x: right - 8, y: MARGIN.top + 18, "text-anchor": "end" }, `dashed: ${kept.name}`]] : []),
    ...markLeaving(found.excess, epoch, ceiling, x, right, bottom),
  ]);
}

/* Return a word where the curve leaves the picture at the top, or where nothing but rounding is left. */
function markLeaving(excess, epoch, ceiling, x, right, bottom) {
  const shapes = [], shown = excess.slice(0, epoch + 1), gone = shown.findIndex(cost => cost > ceiling);
  const done = shown.findLastIndex(cost => cost > FLOOR) + 1;
  const write = (k, y, words) => {
    shapes.push(["text", { class: "leaves", x: Math.min(x(k) + 12, right - 7 * words.length), y }, words]);
  };
  if (gone >= 0) {
    shapes.push(["path", { class: "arrow", d: "M0 0L-8 13L8 13Z", transform: `translate(${x(gone).toFixed(2)} ${MARGIN.top})` }]);
    write(gone, MARGIN.top + 36, `leaves the picture at epoch ${gone}`);
  }
  if (done <= epoch) write(done, bottom - 9, `below 10${raise(Math.log10(FLOOR))} from epoch ${done} on`);
  return shapes;
}
