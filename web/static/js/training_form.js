/** Works out cost, report and preview again whenever a value changes, on the server, and swaps only those parts. */

const PARTS = ["cost", "data-report", "preview"];
const PAUSE_MS = 400;
const form = document.getElementById("training-form");
let pause;
let asked = 0;

async function renew() {
  const mine = (asked += 1);
  const body = new FormData(form);
  body.set("action", "forecast");
  try {
    const response = await fetch(form.getAttribute("action"), { method: "POST", body, credentials: "same-origin" });
    if (!response.ok || mine !== asked) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    for (const id of PARTS) {
      const fresh = page.getElementById(id);
      if (fresh) document.getElementById(id).replaceChildren(...document.adoptNode(fresh).childNodes);
    }
  } catch {
    // The connection is gone; the next change tries again, and the button does without a script.
  }
}

if (form) {
  form.querySelector("[data-forecast]").hidden = true;
  form.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(renew, PAUSE_MS);
  });
}
