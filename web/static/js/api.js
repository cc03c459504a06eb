/** Talking to the API: uploads with progress, long polls, and errors that say what to do. */

const AUTOMATIC_RETRIES = 4;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 20000;
const WORTH_RETRYING = new Set([0, 429, 502, 503, 504]);
export const WAIT_SECONDS = 20;

/** A request that did not work. `status` is 0 when no answer came at all. */
export class RequestError extends Error {
  constructor(status, message, retryAfter = null) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }

  get worthRetrying() {
    return WORTH_RETRYING.has(this.status);
  }
}

const FALLBACKS = {
  0: "There is no connection to Hangtag.",
  401: "You are signed out. Sign in in another tab, then try again here.",
  403: "This page was open for too long. Reload it and add the photo again.",
  413: "This file is too large. Send a smaller version of the photo.",
  429: "That was a little too fast.",
};

/** The token that proves a request comes from our own page. */
function csrfToken() {
  return document.querySelector("meta[name=csrf-token]").content;
}

function explained(status, body, retryAfter) {
  const ours = status === 401 || status === 403 ? null : body?.detail;
  const message = ours ?? FALLBACKS[status] ?? "Hangtag could not take this right now.";
  return new RequestError(status, message, Number(retryAfter) || null);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Send one photo into a listing, to its place there. */
export function sendPhoto(file, listing, position, key, onProgress) {
  const place = { listing_id: listing, position };
  return upload("/api/v1/classifications", place, "photo", [file], key, onProgress);
}

/** Send many photos, or one zip as `archive`, as a batch. */
export function sendBatch(files, field, key, onProgress) {
  return upload("/api/v1/batches", {}, field, files, key, onProgress);
}

/** The fetch API cannot report upload progress, so this uses the older request object. */
function upload(address, texts, field, files, key, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("Idempotency-Key", key);
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
    request.addEventListener("error", () => reject(explained(0)));
    request.addEventListener("load", () => {
      const body = parsed(request.responseText);
      if (request.status < 300 && body) resolve(body);
      else reject(explained(request.status, body, request.getResponseHeader("Retry-After")));
    });
    const form = new FormData();
    for (const [name, text] of Object.entries(texts)) form.append(name, text);
    for (const file of files) form.append(field, file, file.name || "photo.jpg");
    request.send(form);
  });
}

async function request(address, options = {}) {
  let response;
  try {
    response = await fetch(address, { credentials: "same-origin", ...options });
  } catch {
    throw explained(0);
  }
  if (response.ok) return response;
  throw explained(response.status, parsed(await response.text()), response.headers.get("Retry-After"));
}

/** Look at a job; with `wait`, answers as soon as it has ended. */
export async function lookAtJob(id, wait) {
  const response = await request(`/api/v1/jobs/${encodeURIComponent(id)}?wait=${wait}`);
  return response.json();
}

/** Queue the task of a failed job again. Returns the new job. */
export async function retryJob(id) {
  const response = await request(`/api/v1/jobs/${encodeURIComponent(id)}/retry`, {
    method: "POST",
    headers: { "X-CSRFToken": csrfToken() },
  });
  return (await response.json()).job;
}

function sendJson(method, address, body, headers = {}) {
  return request(address, {
    method,
    headers: { "X-CSRFToken": csrfToken(), "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

/** Begin a listing. Returns its id. */
export async function beginListing(title, key) {
  const response = await sendJson("POST", "/api/v1/listings", { title }, { "Idempotency-Key": key });
  return (await response.json()).id;
}

/** Give a listing another title. */
export async function renameListing(id, title) {
  await sendJson("PATCH", `/api/v1/listings/${encodeURIComponent(id)}`, { title });
}

/** A page of ours, parsed; with `form`, the one that answers to the form being sent. */
export async function pageAt(address, form = null) {
  const options = form ? { method: "POST", body: form } : {};
  const response = await request(address, { headers: { Accept: "text/html" }, ...options });
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** The server's own rendering of a photo card. */
export async function cardOf(id, listing) {
  const query = new URLSearchParams({ listing });
  const page = await pageAt(`/sell/cards/${encodeURIComponent(id)}?${query}`);
  return page.querySelector(".photo-card");
}

/** Do something again after failures that may pass, telling `onPause` why and for how long. */
export async function persist(action, onPause) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (!error.worthRetrying || attempt >= AUTOMATIC_RETRIES) throw error;
      const pause = error.retryAfter ? error.retryAfter * 1000 : FIRST_PAUSE_MS * 2 ** attempt;
      await pauseFor(Math.min(pause, LONGEST_PAUSE_MS), (seconds) => onPause(error.message, seconds));
    }
  }
}

/** Wait, counting down in whole seconds; a connection that comes back ends the wait. */
function pauseFor(milliseconds, onSecond) {
  return new Promise((resolve) => {
    let left = Math.ceil(milliseconds / 1000);
    const end = () => {
      clearInterval(ticking);
      removeEventListener("online", end);
      resolve();
    };
    const ticking = setInterval(() => {
      left -= 1;
      if (left <= 0) end();
      else onSecond(left);
    }, 1000);
    addEventListener("online", end);
    onSecond(left);
  });
}
