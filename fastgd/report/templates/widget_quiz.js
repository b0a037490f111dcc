/* The questions: predict first, then run it and see. */

let question = 0;

/* Show a question with its answers, none of them chosen. */
function ask(number) {
  question = (number + QUESTIONS.length) % QUESTIONS.length;
  const { ask: words, answers } = QUESTIONS[question];
  byId("question-number").textContent = `question ${question + 1} of ${QUESTIONS.length}`;
  byId("question").textContent = words;
  byId("verdict").replaceChildren();
  byId("answers").replaceChildren(...answers.map((answer, k) => {
    const label = document.createElement("label"), input = document.createElement("input"), text = document.createElement("span");
    Object.assign(input, { type: "radio", name: "answer", value: k, required: true });
    text.textContent = answer;
    label.append(input, text);
    return label;
  }));
}

/* Run the question's settings, and say whether the chosen answer is right, and why. */
function reveal(event) {
  event.preventDefault();
  const { settings, epochs, whole = false, right, why, answers } = QUESTIONS[question];
  const chosen = Number(new FormData(byId("quiz")).get("answer"));
  change({ ...SETTINGS, ...settings, epoch: 0, whole });
  [...byId("answers").children].forEach((label, k) => { label.className = k === right ? "right" : k === chosen ? "wrong" : ""; });
  const strong = document.createElement("strong");
  strong.textContent = chosen === right ? "Right. " : `Not so: “${answers[right]}” is right. `;
  byId("verdict").replaceChildren(strong, why(found));
  play(epochs);
  byId("verdict").scrollIntoView({ block: "nearest", behavior: still.matches ? "auto" : "smooth" });
}
