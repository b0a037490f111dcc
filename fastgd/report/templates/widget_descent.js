/* Gradient descent on two weights: pure functions, whose numbers a test compares with those of fastgd. */

const EPOCHS = 64;
const ROWS = 12, BEST = [2, 1], NOISE = 0.2;

/* Return X and y with the condition number κ of X: two features without an intercept, whose best weights are (2, 1).
   Feature 2 has the mean square 1. Feature 1 has a smaller scale s, and the correlation ρ = (κ − 1)/(κ + 1) with feature 2.
   Equal scales, as standardizing makes them, leave the condition number √((1 + ρ)/(1 − ρ)) = √κ: one half of the stretch
   comes from the scales, the other from the correlation. From the trace 1 + s² and the determinant s²(1 − ρ²) of the
   Hessian follows (s + 1/s)/2 = (κ² + 1)/(√κ·(κ + 1)). The noise is orthogonal to both features. */
function makeProblem(kappa) {
  const correlation = (kappa - 1) / (kappa + 1), rest = 2 * Math.sqrt(kappa) / (kappa + 1);
  const half = Math.max(1, (kappa ** 2 + 1) / (Math.sqrt(kappa) * (kappa + 1)));
  const scale = 1 / (half + Math.sqrt(half ** 2 - 1));
  const angles = Array.from({ length: ROWS }, (_, k) => 2 * Math.PI * k / ROWS);
  const X = angles.map(angle => {
    const [first, second] = [Math.SQRT2 * Math.cos(angle), Math.SQRT2 * Math.sin(angle)];
    return [scale * (correlation * first + rest * second), first];
  });
  return { X, y: X.map((row, k) => dot(row, BEST) + NOISE * Math.cos(2 * angles[k])) };
}

const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const column = (X, k) => X.map(row => row[k]);
const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;
const meanProduct = (a, b) => mean(a.map((value, k) => value * b[k]));
const scaleOf = values => Math.sqrt(meanProduct(values, values));

/* Return the upper triangle [r₁₁, r₁₂, r₂₂] whose product with its transpose, RᵀR, is the Hessian XᵀX/n. */
function factorize(X) {
  const [first, second] = [column(X, 0), column(X, 1)];
  const r11 = scaleOf(first), r12 = meanProduct(first, second) / r11;
  const left = second.map((value, k) => value - r12 / r11 * first[k]);
  return [r11, r12, scaleOf(left)];
}

const multiply = ([a, b, d], [x, y]) => [a * x + b * y, d * y];
const solve = ([a, b, d], [x, y]) => [(x - b * (y / d)) / a, y / d];
const transposeMultiply = ([a, b, d], [x, y]) => [a * x, b * x + d * y];

/* Return the triangle T of the coordinates z = T·w, in which the descent runs. */
const coordinateTriangles = {
  none: () => [1, 0, 1],
  standardize: X => [scaleOf(column(X, 0)), 0, scaleOf(column(X, 1))],
  whiten: X => factorize(X),
};

/* Return the rows of X in coordinates z: x·w = (x·T⁻¹)·z. */
const moveRows = (X, [a, b, d]) => X.map(([x, y]) => [x / a, (y - x / a * b) / d]);

/* Return the eigenvalues of the Hessian XᵀX/n, the largest first. */
function findSpectrum(X) {
  const [r11, r12, r22] = factorize(X);
  const a = r11 ** 2, b = r11 * r12, d = r12 ** 2 + r22 ** 2;
  const largest = (a + d) / 2 + Math.hypot((a - d) / 2, b);
  return [largest, Math.min(largest, (r11 * r22) ** 2 / largest)]; // the product of both is the determinant
}

const findResidual = (X, y, weights) => X.map((row, k) => dot(row, weights) - y[k]);
const findCost = residual => meanProduct(residual, residual) / 2;
const findGradient = (X, residual) => [0, 1].map(k => meanProduct(column(X, k), residual));

/* Return the run from weights of zero: after k epochs the weights are weights[k], and their cost is costs[k].
   `multiple` is the constant rate as a multiple of 1/L; the other schedules ignore it. */
function run({ kappa, multiple = 1, schedule = "constant", coordinates = "none", epochs = EPOCHS }) {
  const { X, y } = makeProblem(kappa);
  const triangle = coordinateTriangles[coordinates](X), Z = moveRows(X, triangle);
  const spectrum = coordinates === "whiten" ? [1, 1] : findSpectrum(Z);
  const rates = schedules[schedule](epochs, spectrum, multiple);
  const found = { points: [], weights: [], costs: [], excess: [], gradients: [] };
  const factor = factorize(X), whitened = moveRows(X, factor);
  const minimum = solve(factor, findGradient(whitened, y)); // where the Hessian is 1, Xᵀy/n are the best weights
  let point = [0, 0];
  for (let epoch = 0; ; epoch += 1) {
    const residual = findResidual(Z, y, point), gradient = findGradient(Z, residual), weights = solve(triangle, point);
    const distance = multiply(factor, weights.map((weight, k) => weight - minimum[k]));
    found.points.push(point);
    found.weights.push(weights);
    found.costs.push(findCost(residual));
    found.excess.push(dot(distance, distance) / 2); // J − J*, with all its digits
    found.gradients.push(transposeMultiply(triangle, gradient));
    if (epoch === epochs) break;
    point = point.map((value, k) => value - rates[epoch] * gradient[k]); // the update
  }
  const least = findCost(findResidual(X, y, minimum));
  return { X, y, Z, triangle, spectrum, rates, minimum, least, target: multiply(triangle, minimum), ...found };
}

/* Return the number of epochs after which a run stays within a share of its first distance from the minimum. */
function countEpochs(settings, share) {
  const { weights, minimum } = run(settings);
  const distances = weights.map(one => Math.hypot(one[0] - minimum[0], one[1] - minimum[1]));
  return distances.findLastIndex(distance => distance > share * distances[0]) + 1;
}
