/* Pictures as files: SVG in the colours of the page, and PNG drawn from it. */
const SCALE = 3;  // pixels of a PNG for each unit of the picture
const save = (blob, name) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};
/* The properties that the live widget gets from its style sheet, which a file does not have. */
const LOOKS = [
  "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linejoin", "paint-order",
  "vector-effect", "text-anchor", "font-family", "font-size", "font-weight",
];
const keepLooks = (from, to) => {
  const style = getComputedStyle(from);
  to.setAttribute("style", LOOKS.map(name => `${name}: ${style.getPropertyValue(name)}`).join("; "));
};
const toFile = svg => {
  const copy = svg.cloneNode(true), { width, height } = svg.viewBox.baseVal;
  const colors = getComputedStyle(document.documentElement);
  const parts = svg.closest(".widget") ? [...svg.querySelectorAll("*")] : [], copies = copy.querySelectorAll("*");
  parts.forEach((part, k) => keepLooks(part, copies[k]));
  const paper = document.createElementNS(svg.namespaceURI, "rect");
  for (const [name, value] of Object.entries({ width, height, fill: "var(--paper)" })) paper.setAttribute(name, value);
  copy.querySelector("desc").after(paper);
  for (const [name, value] of Object.entries({ width, height, style: "white-space: pre" })) copy.setAttribute(name, value);
  const text = new XMLSerializer().serializeToString(copy);
  return text.replace(/var\((--\w+)\)/g, (_, name) => colors.getPropertyValue(name).trim());
};
const toPixels = async (text, { width, height }) => {
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(SCALE * width);
  canvas.height = Math.round(SCALE * height);
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise(done => canvas.toBlob(done, "image/png"));
};
for (const tools of document.querySelectorAll(".tools")) {
  tools.hidden = false;
  tools.addEventListener("click", async event => {
    const kind = event.target.dataset.save, figure = tools.closest("figure");
    if (!kind) return;
    const svg = figure.querySelector("svg"), text = toFile(svg), name = figure.id.replace("figure-", "fastgd-");
    const blob = kind === "png" ? await toPixels(text, svg.viewBox.baseVal) : new Blob([text], { type: "image/svg+xml" });
    save(blob, `${name}.${kind}`);
  });
}
