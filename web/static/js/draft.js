/** The listing behind the page: begun with its first photo or word, its title saved as it is typed. */

import { beginListing, persist, renameListing } from "./api.js";
import { uniqueKey } from "./keys.js";

const PAUSE_MS = 600;

export class Draft {
  #root = document.getElementById("editor");
  #title = document.getElementById("title");
  #note = document.getElementById("saved");
  #beginning = null;
  #timer = null;
  #saved;
  #pauses = new Set();

  constructor() {
    this.#saved = this.#title.value;
    this.#title.addEventListener("input", () => this.#later());
    this.#title.addEventListener("change", () => this.#save());
    document.getElementById("upload").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  /** The id of the listing, or null while there is none. */
  get id() {
    return this.#root.dataset.listing ?? null;
  }

  /** The id of the listing, which is begun if that has not happened yet; `onPause` hears what it waits for. */
  ensure(onPause = () => {}) {
    if (this.id) return Promise.resolve(this.id);
    this.#pauses.add(onPause);
    this.#beginning ??= this.#begin(uniqueKey()).catch((error) => {
      this.#beginning = null;
      throw error;
    });
    return this.#beginning;
  }

  async #begin(key) {
    const title = this.#title.value;
    const id = await persist(
      () => beginListing(title, key),
      (...pause) => this.#pauses.forEach((hear) => hear(...pause)),
    );
    this.#saved = title;
    this.#root.dataset.listing = id;
    history.replaceState(null, "", `/listings/${id}`);
    this.#head();
    return id;
  }

  /** Head the page with the listing, as the server does when the page is loaded again. */
  #head() {
    const heading = this.#saved.trim() || this.#root.dataset.untitled;
    document.querySelector("h1").textContent = heading;
    document.title = `${heading} · Hangtag`;
  }

  #later() {
    clearTimeout(this.#timer);
    this.#note.textContent = "";
    this.#timer = setTimeout(() => this.#save(), PAUSE_MS);
  }

  async #save() {
    clearTimeout(this.#timer);
    const title = this.#title.value;
    if (title === this.#saved) return;
    try {
      const id = await this.ensure();
      if (title !== this.#saved) await persist(() => renameListing(id, title), () => {});
      this.#saved = title;
      this.#head();
      this.#note.textContent = "Saved.";
    } catch (error) {
      this.#note.textContent = `${error.message} The title is not saved yet.`;
    }
  }
}
