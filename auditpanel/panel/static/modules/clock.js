// The time now on the project's clocks.
export default function (element) {
  const format = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: element.dataset.zone });
  const show = () => (element.textContent = format.format(new Date()));
  show();
  setInterval(show, 5_000);
}
