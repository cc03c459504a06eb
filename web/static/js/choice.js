/** The category of the listing: renewed as its photos are answered, kept or corrected with one tap. */

import { pageAt } from "./api.js";
import { localise } from "./times.js";

export class Choice {
  #announcer;
  #draft;
  #renewing = null;
  #again = false;

  constructor(draft, announcer) {
    this.#draft = draft;
    this.#announcer = announcer;
    document.addEventListener("submit", (event) => {
      if (!event.target.matches(".choice-form")) return;
      event.preventDefault();
      this.#decide(event.target, event.submitter);
    });
  }

  /** Show what the server suggests by now. Calls that come while one is under way are answered by one more. */
  renew() {
    this.#again = true;
    this.#renewing ??= this.#renewUntilQuiet().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #renewUntilQuiet() {
    while (this.#again) {
      this.#again = false;
      try {
        this.#show(await pageAt(`/listings/${this.#draft.id}`));
      } catch {
        // The connection is gone; the next answer of a photo, or the next tap, tries again.
      }
    }
  }

  async #decide(form, button) {
    const data = new FormData(form, button);
    button.setAttribute("aria-busy", "true");
    try {
      this.#show(await pageAt(form.action, data));
      const same = `#choice button[value="${CSS.escape(button.value)}"]`;
      (document.querySelector(same) ?? document.querySelector("#choice .next"))?.focus();
    } catch (error) {
      button.removeAttribute("aria-busy");
      this.#announcer.say(`${error.message} Your choice is not saved yet.`);
      document.querySelector("#choice .quiet").textContent = `${error.message} Your choice is not saved yet.`;
    }
  }

  #show(page) {
    for (const id of ["choice", "why", "history"]) {
      const known = document.getElementById(id);
      const fresh = page.getElementById(id);
      if (!known || !fresh || known.innerHTML === fresh.innerHTML) continue;
      const spoken = known.dataset.spoken;
      const value = known.contains(document.activeElement) ? document.activeElement.value : null;
      const open = [known, ...known.querySelectorAll("details")].filter((part) => part.open);
      known.replaceWith(document.adoptNode(fresh));
      for (const part of open) document.getElementById(part.id)?.setAttribute("open", "");
      localise(fresh);
      if (value) fresh.querySelector(`button[value="${CSS.escape(value)}"]`)?.focus();
      if (fresh.dataset.spoken && fresh.dataset.spoken !== spoken) this.#announcer.say(fresh.dataset.spoken);
    }
  }
}
