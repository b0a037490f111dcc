/* Predict, then reveal: each question has settings that are run, answers, the right one, and a reason with the run's numbers.
   `epochs` is where the run is shown to; the first setting that is left out is the one of `SETTINGS`. */

const percent = (share, digits = 2) => `${show(100 * share, digits)}%`;

const QUESTIONS = [
  {
    name: "small",
    ask: "κ is 3, and the constant rate is 0.05/L, a twentieth of the safe choice. Where is the path after 64 epochs?",
    settings: { kappa: 3, multiple: 0.05 },
    answers: ["At the minimum", "Still on its way, without any jump", "Beyond the minimum: it has jumped over it"],
    right: 1,
    why: ({ spectrum: [largest, smallest], excess }) =>
      `An epoch takes off 5% of the error along the steep direction and only ${percent(0.05 * smallest / largest)} along the flat one. After 64 epochs J − J* `
      + `is ${show(excess[64], 2)}. A rate that is too small is safe, but the descent crawls.`,
  },
  {
    name: "zigzag",
    ask: "κ is 5. The rate grows from 1/L to 1.9/L, just below the limit 2/L. What does the path do?",
    settings: { kappa: 5, multiple: 1.9 },
    answers: ["It goes straight to the minimum", "It zig-zags, and the cost falls at every epoch", "It zig-zags, and the cost rises and falls"],
    right: 1,
    why: ({ spectrum: [largest, smallest] }) =>
      "1 − rate·L is −0.9: each epoch jumps to the other side of the valley, to 90% of the distance. Both parts of the error shrink, by 0.9 and by "
      + `${show(1 - 1.9 * smallest / largest, 3)}, so J falls at every epoch. Below 2/L it always does.`,
  },
  {
    name: "diverges",
    ask: "κ is 5. What happens at 2.1/L?",
    settings: { kappa: 5, multiple: 2.1 },
    whole: true,
    answers: ["It converges, a little faster than at 1.9/L", "It jumps between two points for ever", "Every jump is longer than the one before"],
    right: 2,
    why: ({ costs }) =>
      `1 − rate·L is −1.1. The error along the steep direction changes sides and grows by 10% an epoch, and J by up to 21%: from ${show(costs[0], 2)} to `
      + `${show(costs[64], 2)} after 64 epochs. Above 2/L the descent diverges, however close to the minimum it starts.`,
  },
  {
    name: "kappa",
    ask: "At the rate 1/L and κ = 3, the descent needs 37 epochs to take off 99% of its distance to the minimum. How many at κ = 15, five times as much?",
    settings: { kappa: 15, multiple: 1 },
    answers: ["As many", "5 times as many", "More than 25 times as many"],
    right: 2,
    why: () =>
      `${countEpochs({ kappa: 15, epochs: 4000 }, 0.01)} epochs. The path soon reaches the floor of the valley, and then an epoch takes off only the share μ/L = 1/κ² of the rest. `
      + "So the number of epochs grows with κ². No constant rate helps: L limits the rate, and μ is small.",
  },
  {
    name: "chebyshev",
    ask: "κ is 5. Some of Chebyshev's rates are far above 2/L. Does the cost fall at every epoch?",
    settings: { kappa: 5, schedule: "chebyshev" },
    answers: ["Yes, at every epoch", "No: it rises and falls, and is far lower at the end of a cycle", "No: it diverges, since rates exceed 2/L"],
    right: 1,
    why: ({ excess }) =>
      `The first, long rate throws J − J* up from ${show(excess[0], 2)} to ${show(excess[1], 2)}; the second, short one brings it down to ${show(excess[2], 2)}. At the end of the cycle of 32 epochs `
      + `it is ${show(excess[32], 2)}. Only the product of all factors 1 − rate·λ counts, and Chebyshev's rates make it small for every λ from μ to L.`,
  },
  {
    name: "eigenvalues",
    ask: "κ is 10. The rates are now the reciprocals of the two eigenvalues, 1/L and 1/μ. After how many epochs is only rounding left?",
    settings: { kappa: 10, schedule: "eigenvalues" },
    epochs: 4,
    answers: ["2", "About 20", "About 100"],
    right: 0,
    why: ({ excess }) =>
      "The rate 1/L removes the whole error along the steep direction, the rate 1/μ that along the flat one, and what is removed does not come back. "
      + `Two weights, two epochs: J − J* is ${show(excess[1], 2)} after the first, ${excess[2] < 1e-24 ? "and zero up to rounding" : show(excess[2], 2)} after the second.`,
  },
  {
    name: "standardize",
    ask: "κ of X is 16. Now both columns are divided by their scales. Does the rate 1/L reach the minimum in one epoch?",
    settings: { kappa: 16, multiple: 1, coordinates: "standardize" },
    answers: ["Yes: equal scales make the contours circles", "No: the contours are rounder, but still ellipses", "No: scaling changes nothing"],
    right: 1,
    why: ({ spectrum: [largest, smallest] }) =>
      `κ falls from 16 to ${show(Math.sqrt(largest / smallest), 3)}. Standardizing takes off the part of κ that comes from different scales. The part that comes from the correlation of the columns stays.`,
  },
  {
    name: "whiten",
    ask: "κ of X is 30. In whitened coordinates the Hessian of J is the identity. How many epochs does the rate 1 need?",
    settings: { kappa: 30, multiple: 1, coordinates: "whiten" },
    epochs: 4,
    answers: ["1", "About 30", "About 900"],
    right: 0,
    why: () =>
      "The contours are circles, so the gradient points straight away from the minimum and is as long as the distance to it. One epoch at the rate 1 arrives, from any start. "
      + "In the units of the data this is Newton's step: gradient descent has become a direct solver.",
  },
];
