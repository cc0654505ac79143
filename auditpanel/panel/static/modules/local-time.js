// Fills a <time datetime> with the browser's own time and zone, and its label with the zone's name.
// Browsers still give some zones the names that they had before they were renamed.
const RENAMED = { "Asia/Calcutta": "Asia/Kolkata", "Asia/Katmandu": "Asia/Kathmandu", "Asia/Rangoon": "Asia/Yangon", "Asia/Saigon": "Asia/Ho_Chi_Minh", "Europe/Kiev": "Europe/Kyiv" };
const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

export const localZone = RENAMED[browserZone] ?? browserZone;

const words = new Intl.DateTimeFormat("en-GB", {
  weekday: "short", day: "numeric", month: "short", year: "numeric",
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23", timeZoneName: "longOffset",
});

export function localParts(iso) {
  const parts = Object.fromEntries(words.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  // "Sept" is what en-GB says; the server writes three letters.
  const day = `${parts.weekday} ${parts.day} ${parts.month.slice(0, 3)} ${parts.year}`;
  const offset = parts.timeZoneName.replace("GMT", "") || "+00:00";
  return { day, clock: `${parts.hour}:${parts.minute}:${parts.second}`, milliseconds: `.${parts.fractionalSecond}`, offset };
}

export default function (element) {
  const { day, clock, milliseconds, offset } = localParts(element.dateTime);
  const faint = document.createElement("span");
  faint.className = "faint";
  faint.textContent = offset;
  element.replaceChildren(`${day}, ${clock}${milliseconds} `, faint);
  const label = document.getElementById(element.dataset.label ?? "");
  if (label) label.textContent = `Local time, ${localZone}`;
}
