// Asks whether the first call has arrived, and opens the list then. After a failure it asks again, more slowly, and says so.
const OFTEN_S = 3;
const SLOWEST_S = 60;

export default function (element) {
  const words = element.textContent;
  let pause = OFTEN_S;
  const say = (text, state) => {
    // Set only when it changes, or a screen reader would hear it at each answer.
    if (element.textContent !== text) element.textContent = text;
    element.dataset.state = state;
  };
  const ask = async () => {
    try {
      const response = await fetch(element.dataset.url, { headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`answered ${response.status}`);
      const answer = await response.json();
      if (answer.arrived) return location.assign(answer.url ?? location.href);
      pause = OFTEN_S;
      say(words, "listening");
    } catch {
      pause = Math.min(pause * 2, SLOWEST_S);
      say(`Server not reached. Asking again in ${pause} s`, "late");
    }
    setTimeout(ask, pause * 1_000);
  };
  setTimeout(ask, pause * 1_000);
}
