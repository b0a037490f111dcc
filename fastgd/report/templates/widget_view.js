/* The controls: what the reader sets becomes `state`, and everything shown follows from `state` and its run. */

const KAPPAS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 12, 15, 16, 20, 25, 30];
const SETTINGS = { kappa: 5, multiple: 1.8, schedule: "constant", coordinates: "none" };
const FRAME = 110, REST = 400; // milliseconds of an epoch while playing, and without a change before it is announced

const state = { ...SETTINGS, epoch: EPOCHS, whole: false, kept: null };
const byId = id => document.getElementById(`widget-${id}`);
const still = matchMedia("(prefers-reduced-motion: reduce)");
let found = run(state), timer = null, announcing = null;

/* Change the state, run the descent again if its settings have changed, and show it. */
function change(changes) {
  Object.assign(state, changes);
  if (Object.keys(changes).some(name => name in SETTINGS)) found = run(state);
  showControls();
  draw();
}

/* Show the state in all controls and numbers. */
function showControls() {
  const { epoch, kappa, multiple, schedule, coordinates } = state, fixed = schedule !== "constant";
  byId("epoch").value = epoch;
  byId("epoch-words").textContent = `${epoch} of ${EPOCHS}`;
  byId("epoch").setAttribute("aria-valuetext", `epoch ${epoch}, J ${show(found.costs[epoch])}`);
  byId("multiple").value = multiple;
  byId("multiple").disabled = fixed;
  byId("multiple-words").textContent = fixed ? "set by the schedule" : `${multiple.toFixed(2)}/L = ${show(multiple / found.spectrum[0], 3)}`;
  byId("multiple").setAttribute("aria-valuetext", `${multiple.toFixed(2)} divided by L`);
  byId("kappa").value = KAPPAS.indexOf(kappa);
  byId("kappa-words").textContent = `κ = ${kappa}`;
  byId("kappa").setAttribute("aria-valuetext", `κ is ${kappa}`);
  for (const [name, value] of Object.entries({ schedule, coordinates })) {
    document.querySelector(`.widget input[name=${name}][value=${value}]`).checked = true;
  }
  byId("whole").checked = state.whole;
  byId("keep").checked = state.kept !== null;
  setText(byId("why"), explainRates(state, found));
  for (const [name, words] of Object.entries(listNumbers(state, found, epoch))) {
    document.querySelector(`[data-number=${name}]`).textContent = words;
  }
  announce();
}

/* Screen readers read a status again whenever it is set: set it only if it changes. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/* Say the epoch and its cost once nothing has moved for a while. */
function announce() {
  clearTimeout(announcing);
  if (timer === null) announcing = setTimeout(() => setText(byId("announcement"), describe()), REST);
}

function describe() {
  const { epoch } = state, [first, second] = found.weights[epoch];
  return `Epoch ${epoch} of ${EPOCHS}: J is ${show(found.costs[epoch])}, the weights are ${show(first)} and ${show(second)}.`;
}

/* Draw both pictures in the size that the page gives them. */
function draw() {
  const [path, costs] = [byId("path-picture"), byId("costs-picture")];
  const width = Math.round(path.parentElement.clientWidth);
  if (!width) return;
  const beside = path.parentElement.offsetTop === costs.parentElement.offsetTop;
  const height = Math.round(beside ? Math.min(width * 0.95, 460, Math.max(0.42 * innerHeight, 280)) : Math.min(width * 0.56, 330));
  drawPath(path, width, height, found, state.epoch, AXES[state.coordinates], state.whole);
  drawCosts(costs, width, beside ? height : Math.round(height * 0.72), found, state.epoch, state.kept);
  const [first, second] = found.weights[state.epoch], [best, other] = found.minimum;
  byId("path-words").textContent = `Ellipses around the minimum at weights ${show(best)} and ${show(other)}. The path goes from weights 0 and 0 to `
    + `${show(first)} and ${show(second)} at epoch ${state.epoch}.`;
  byId("costs-words").textContent = `J − J* on a logarithmic scale: ${show(found.excess[0])} at the start, ${show(found.excess[state.epoch])} at epoch ${state.epoch}.`;
}

/* Play the epochs from here, or from the start if the end is reached; without motion, go to the end at once. */
function play(last = EPOCHS) {
  pause();
  if (still.matches) return change({ epoch: last });
  if (state.epoch >= last) change({ epoch: 0 });
  timer = setInterval(() => {
    if (state.epoch + 1 >= last) pause();
    change({ epoch: state.epoch + 1 });
  }, FRAME);
  showPlaying();
}

function pause() {
  clearInterval(timer);
  timer = null;
  showPlaying();
}

function showPlaying() {
  const playing = timer !== null;
  byId("play").firstElementChild.textContent = playing ? "❚❚ " : "▶ ";
  byId("play-word").textContent = playing ? "Pause" : still.matches ? "Run to the end" : "Play";
}

/* Connect the controls; each change by hand ends the playing. */
function connect() {
  const on = (id, event, action) => byId(id).addEventListener(event, action);
  const set = changes => { pause(); change(changes); };
  on("play", "click", () => timer === null ? play() : (pause(), announce()));
  on("step", "click", () => set({ epoch: Math.min(state.epoch + 1, EPOCHS) }));
  on("reset", "click", () => set({ epoch: 0 }));
  on("epoch", "input", () => set({ epoch: byId("epoch").valueAsNumber }));
  on("multiple", "input", () => set({ multiple: byId("multiple").valueAsNumber }));
  on("kappa", "input", () => set({ kappa: KAPPAS[byId("kappa").valueAsNumber] }));
  on("whole", "change", () => change({ whole: byId("whole").checked }));
  on("keep", "change", () => change({ kept: byId("keep").checked ? { name: nameSettings(state), excess: found.excess } : null }));
  for (const name of ["schedule", "coordinates"]) {
    for (const input of document.querySelectorAll(`.widget input[name=${name}]`)) {
      input.addEventListener("change", () => set({ [name]: input.value }));
    }
  }
  on("quiz", "submit", reveal);
  on("next", "click", () => ask(question + 1));
  still.addEventListener("change", () => still.matches ? pause() : showPlaying());
}

byId("kappa").max = KAPPAS.length - 1;
byId("controls").hidden = false;
connect();
ask(0);
showPlaying();
change({});
addEventListener("resize", draw); // their height follows that of the window
new ResizeObserver(draw).observe(byId("path-picture").parentElement);
