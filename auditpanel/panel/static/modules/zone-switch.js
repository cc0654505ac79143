// Shows a list in the browser's own zone: its times, and its days, which begin at other rows than the project's.
import { localParts, localZone } from "./local-time.js";

const dayName = (moment) => localParts(moment.toISOString()).day;

function heading(day) {
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  if (day === dayName(new Date())) return `Today, ${day}`;
  return day === dayName(yesterday) ? `Yesterday, ${day}` : day;
}

function showLocally(row) {
  const time = row.querySelector("time");
  const { day, clock } = localParts(time.dateTime);
  time.querySelector("[data-clock]").textContent = clock;
  return heading(day);
}

function regroup(table) {
  const bodies = [...table.querySelectorAll("tbody.day-rows")];
  if (!bodies.length) return;
  const rows = bodies.flatMap((body) => [...body.querySelectorAll(".row")]);
  const mark = document.createComment("");
  bodies[0].before(mark);
  let group;
  for (const row of rows) {
    const words = showLocally(row);
    if (group?.dataset.day !== words) {
      group = bodies[0].cloneNode(false);
      group.dataset.day = words;
      const title = bodies[0].querySelector(".day-row").cloneNode(true);
      title.querySelector(".day").textContent = words;
      group.append(title);
      mark.before(group);
    }
    group.append(row);
  }
  for (const body of bodies) body.remove();
  mark.remove();
}

function showCovered(table) {
  const covers = document.querySelector("[data-covers]");
  const times = [...table.querySelectorAll(".row time")];
  if (!covers || !times.length) return;
  const [newest, oldest] = [times[0], times.at(-1)].map((time) => localParts(time.dateTime));
  const oneDay = newest.day === oldest.day;
  covers.textContent = [newest, oldest].map(({ day, clock }) => (oneDay ? clock : `${day}, ${clock}`)).join(" to ");
}

export default function (table) {
  regroup(table);
  showCovered(table);
  table.addEventListener("rows-added", () => {
    regroup(table);
    showCovered(table);
  });
  const words = document.querySelector("[data-local-zone]");
  if (words) words.textContent = `Times in ${localZone} (local)`;
}
