/** One photo card in the page. Its markup comes from the server; this only fills and swaps it. */

const templates = new Map(
  [...document.querySelectorAll("template[data-card]")].map((template) => [template.dataset.card, template]),
);

function blank(state) {
  return templates.get(state).content.firstElementChild.cloneNode(true);
}

export class PhotoCard {
  /** A card for a file that was just chosen, with its picture at once. */
  static forFile(file) {
    const card = new PhotoCard(blank("uploading"));
    card.name = file.name || "photo";
    const image = document.createElement("img");
    image.alt = card.name;
    image.width = 240;
    image.height = 320;
    image.decoding = "async";
    image.src = URL.createObjectURL(file);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    image.addEventListener("error", () => image.remove(), { once: true });
    card.element.querySelector(".photo-picture").append(image);
    card.#label();
    return card;
  }

  constructor(element) {
    this.element = element;
    this.name = element.querySelector(".photo-name").textContent;
  }

  get state() {
    return this.element.dataset.state;
  }

  /** Show another state that needs no answer from the server. */
  show(state) {
    if (this.state !== state) this.#swap(blank(state));
  }

  /** Show what the server rendered for this photo. Returns the outcome as a sentence. */
  showAnswer(rendered) {
    const cover = rendered.querySelector(".cover");
    this.#swap(document.adoptNode(rendered));
    if (cover) this.#offerCover(cover);
    this.element.dataset.job = rendered.dataset.job;
    return rendered.dataset.spoken;
  }

  /** Show why it did not work; `onAgain` is offered as a button when trying again can help. */
  fail(message, onAgain) {
    this.#swap(blank("failed"));
    this.element.querySelector(".photo-message").textContent = message;
    const again = this.element.querySelector("[data-again]");
    if (onAgain) {
      again.addEventListener("click", onAgain, { once: true });
    } else {
      this.element.querySelector(".tag-title").textContent = "Not used";
      again.remove();
    }
  }

  /** A word about what goes on, under the title of the tag. */
  note(text) {
    const place = this.element.querySelector(".tag-note");
    if (place.textContent !== text) place.textContent = text;
  }

  #swap(other) {
    const held = this.element.querySelector(".photo-body").contains(document.activeElement);
    this.element.querySelector(".photo-body").replaceWith(other.querySelector(".photo-body"));
    this.element.dataset.state = other.dataset.state;
    this.#label();
    if (held) this.element.querySelector(".photo-foot :is(a, button)")?.focus();
  }

  #offerCover(cover) {
    const picture = this.element.querySelector(".photo-picture");
    picture.querySelector(".cover")?.remove();
    picture.append(cover);
  }

  #label() {
    const place = this.element.querySelector(".photo-name");
    place.textContent = this.name;
    place.title = this.name;
  }
}
