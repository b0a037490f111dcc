/* Numbers and settings in words. */

const raise = power => String(power).replace("-", "⁻").replace(/\d/g, digit => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);

/* Return a number with a few digits, as 1.5, −0.08 or 2 × 10⁻⁵. */
function show(value, digits = 4) {
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const size = Math.abs(value);
  if (size < 1e-16 || (size >= 1e-3 && size < 1e5)) {
    return (size < 1e-16 ? 0 : Number(value.toPrecision(digits))).toLocaleString("en", { maximumFractionDigits: 12 }).replace("-", "−");
  }
  const [head, power] = value.toExponential(digits - 2).split("e");
  return `${String(Number(head)).replace("-", "−")} × 10${raise(Number(power))}`;
}

const AXES = {
  none: ["weight w₁", "weight w₂"],
  standardize: ["w₁ × scale of column 1", "w₂ × scale of column 2"],
  whiten: ["whitened coordinate 1", "whitened coordinate 2"],
};

/* Return a sentence or two about the rates, and the cause of what the pictures show. */
function explainRates({ schedule, multiple }, { spectrum: [largest, smallest], rates }) {
  if (schedule === "constant") return explainConstant(multiple, 1 - multiple, 1 - multiple * smallest / largest);
  const times = rates.map(rate => rate * largest), longest = show(Math.max(...times), 3), shortest = show(Math.min(...times), 3);
  if (Math.max(...times) < 1 + 1e-9) return "All eigenvalues are equal, so this schedule has one rate, 1/L: the path ends at the minimum after one epoch.";
  if (schedule === "silver") {
    return `Silver rates, from ${shortest}/L to ${longest}/L: most are moderate, a few are far longer than 2/L. The cost may rise at a long step, `
      + "and falls further over a whole block than at a constant rate.";
  }
  if (schedule === "chebyshev") {
    const [cycle] = chebyshevCycles(rates.length, largest, smallest);
    return `Chebyshev rates, in a cycle of ${cycle}, from ${shortest}/L to ${longest}/L. A long rate removes error along the flat direction and amplifies it along `
      + "the steep one; the short rate after it takes that off. So J goes up and down inside a cycle, and is far lower at its end."
      + (cycleLength(largest, smallest) > rates.length ? " A whole cycle would be longer: some error along the flat direction is left." : "");
  }
  return "The rates are the reciprocals of the eigenvalues. 1/L removes the error along the steep direction, 1/μ along the flat one: two weights need two epochs. "
    + "The cycle repeats, to take off rounding errors.";
}

/* Return a sentence about a constant rate; steep and flat are the factors of the error along the two directions. */
function explainConstant(multiple, steep, flat) {
  const factors = Math.abs(steep - flat) < 1e-9
    ? `Each epoch multiplies the error by ${show(steep, 3)}`
    : `Each epoch multiplies the error by ${show(steep, 3)} along the steep direction and by ${show(flat, 3)} along the flat one`;
  if (multiple === 0) return "At a rate of 0 the weights stay where they are.";
  if (multiple === 1 && flat < 1e-9) return "All eigenvalues are equal, and 1/L removes the error along every direction: one epoch arrives at the minimum.";
  if (multiple === 1) return `Each epoch at 1/L removes the error along the steep direction, and multiplies it by ${show(flat, 3)} along the flat one.`;
  if (multiple < 1) return `${factors}: no jump over the minimum.`;
  if (multiple < 2 && Math.abs(steep - flat) < 1e-9) return `${factors}. The minus sign is a jump over the minimum, a little less far each time.`;
  if (multiple < 2) return `${factors}. The minus sign makes the zig-zag: the path jumps across the valley, a little less far each time.`;
  if (multiple === 2) return `${factors}: the path jumps from side to side for ever. This is the limit.`;
  return `${factors}. Every jump is longer than the one before: the descent diverges.`;
}

/* Return the settings in a few words. */
function nameSettings({ kappa, multiple, schedule, coordinates }) {
  const rates = schedule === "constant" ? `${multiple.toFixed(2)}/L` : schedule;
  const moved = { none: "", standardize: ", standardized", whiten: ", whitened" }[coordinates];
  return `${rates}, κ = ${kappa}${moved}`;
}

/* Return the numbers of an epoch: pairs of a name and a value in words. */
function listNumbers(settings, found, epoch) {
  const { spectrum: [largest, smallest], rates, least } = found;
  const [first, second] = found.weights[epoch], rate = rates[epoch];
  const kappa = Math.sqrt(largest / smallest), own = settings.coordinates === "none";
  return {
    settings: nameSettings(settings),
    epoch: `${epoch} of ${rates.length}`,
    cost: show(found.costs[epoch], 6),
    excess: show(found.excess[epoch] < 1e-24 ? 0 : found.excess[epoch]),
    weights: `${show(first, 5)}, ${show(second, 5)}`,
    gradient: show(Math.hypot(...found.gradients[epoch])),
    rate: rate === undefined ? "none: it is the last" : `${show(rate)} = ${show(rate * largest, 3)}/L`,
    curvature: `${show(largest)} and ${show(smallest)}`,
    kappa: own ? show(settings.kappa, 3) : `${show(kappa, 3)} in these coordinates; ${show(settings.kappa, 3)} of X`,
    least: show(least),
  };
}
