/** Shows moments in the reader's own time zone, in the same form and so at the same width. */

const form = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const today = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });

/** Rewrite every moment below `root`. */
export function localise(root) {
  const now = form.format(new Date());
  for (const element of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(element.dateTime);
    const day = form.format(moment);
    element.title = element.textContent;
    element.textContent = `${day === now ? "Today" : day}, ${today.format(moment)}`;
  }
}

localise(document);
