/** Where photos come from: the field, the camera, a drop anywhere on the page, the clipboard. */

const PICTURES = /^image\//;

function pictures(transfer) {
  return [...(transfer?.files ?? [])].filter((file) => PICTURES.test(file.type));
}

/** Call `take` with each bunch of files of any kind; the server says which are photos. */
export function onFiles(take) {
  listen(take, (transfer) => [...(transfer?.files ?? [])]);
}

/** Call `take` with each bunch of files that is chosen, snapped, dropped or pasted. */
export function onPhotos(take) {
  listen(take, pictures);
}

function listen(take, pasted) {
  const page = document.documentElement;
  for (const input of document.querySelectorAll(".upload input[type=file]")) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = "";
      if (files.length) take(files);
    });
  }
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    page.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) page.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    page.classList.remove("dropping");
    const files = [...event.dataTransfer.files];
    if (files.length) take(files);
  });
  addEventListener("paste", (event) => {
    const files = pasted(event.clipboardData);
    if (files.length) take(files);
  });
}
