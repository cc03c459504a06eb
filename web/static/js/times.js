/** Shows moments in the reader's own time zone, in the same form and so at the same width. */

const form = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
// One way to write hours everywhere: the server writes 24 of them, and so does the axis of a chart.
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
// Below a chart there is room for five short words.
const axes = {
  hour: clock,
  day: new Intl.DateTimeFormat(undefined, { day: "2-digit", month: "short" }),
};

/** Rewrite every moment below `root`. */
export function localise(root) {
  const now = form.format(new Date());
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const day = form.format(moment);
    element.title = element.textContent;
    element.textContent = `${day === now ? "Today" : day}, ${clock.format(moment)}`;
  }
  root.querySelectorAll(".chart[data-local]").forEach(localiseAxis);
}

/** Rewrite the moments below a chart, and take back the word that they are in UTC. */
function localiseAxis(chart) {
  for (const label of chart.querySelectorAll("[data-moment]")) {
    label.textContent = axes[chart.dataset.local].format(new Date(label.dataset.moment));
  }
  const [picture, name] = [chart.querySelector("svg[role=img]"), chart.querySelector(".x-name")];
  name.textContent = name.textContent.replace(" (UTC)", "");
  picture.setAttribute("aria-label", picture.getAttribute("aria-label").replace(" (UTC)", ""));
}

localise(document);
