
/* Slides: one at a time, turned by keys, buttons and swipes. The address keeps the place. */
const slides = [...document.querySelectorAll(".slide")];
const [previous, next] = ["previous", "next"].map(id => document.getElementById(id));
let now = 0;
const turn = to => {
  now = Math.min(Math.max(to, 0), slides.length - 1);
  slides.forEach((slide, k) => slide.classList.toggle("now", k === now));
  document.getElementById("place").textContent = `${now + 1} / ${slides.length}`;
  previous.disabled = now === 0;
  next.disabled = now === slides.length - 1;
  if (location.protocol !== "about:")  // a frame whose page is an attribute, as in a notebook, has no address to change
    history.replaceState(null, "", `#${slides[now].id}`);
  scrollTo({ top: 0, behavior: "instant" });
};
const turnToAddress = () => turn(slides.findIndex(slide => `#${slide.id}` === location.hash));
const KEYS = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1, Home: -Infinity, End: Infinity };
const scrolls = target => {  // sideways, by itself
  const box = target.closest("pre, .scroll, math");
  return Boolean(box) && box.scrollWidth > box.clientWidth;
};
document.addEventListener("keydown", event => {
  const step = event.key === " " && event.shiftKey ? -1 : KEYS[event.key];
  const busy = event.key === " " ? event.target.closest("button, a, summary") : scrolls(event.target);
  if (!step || busy || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  turn(now + step);
});
let touch = null;
document.addEventListener("touchstart", event => {
  const { clientX, clientY } = event.changedTouches[0];
  touch = event.touches.length > 1 || scrolls(event.target) ? null : { clientX, clientY };
}, { passive: true });
document.addEventListener("touchend", event => {
  if (!touch) return;
  const across = event.changedTouches[0].clientX - touch.clientX, down = event.changedTouches[0].clientY - touch.clientY;
  if (Math.abs(across) > 50 && Math.abs(across) > 2 * Math.abs(down)) turn(now - Math.sign(across));
}, { passive: true });
previous.addEventListener("click", () => turn(now - 1));
next.addEventListener("click", () => turn(now + 1));
addEventListener("hashchange", turnToAddress);
document.documentElement.classList.add("paged");
for (const one of document.querySelectorAll(".pager, .hint")) one.hidden = false;
turnToAddress();
