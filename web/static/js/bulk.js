/** The bulk page: sends photos or a zip as one batch with progress, then goes to the page of that batch. */

import { Announcer } from "./announcer.js";
import { persist, sendBatch } from "./api.js";
import { uniqueKey } from "./keys.js";
import { onFiles } from "./photo_sources.js";

const form = document.getElementById("bulk");
const announcer = new Announcer(document.getElementById("announcements"));
const sending = document.getElementById("sending");
const note = document.getElementById("sending-note");
const bar = document.getElementById("sending-bar");
const problem = document.getElementById("bulk-problem");
const ZIP = /\.zip$/i;

function explain(message) {
  problem.hidden = false;
  problem.querySelector("p").textContent = message;
  announcer.say(message);
}

/** What is wrong with these files as a batch, if anything. */
function objection(files) {
  const zips = files.filter((file) => ZIP.test(file.name));
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (zips.length && files.length > 1) return "Send either photos or one zip at a time.";
  if (files.length > Number(form.dataset.most)) {
    return `These are ${files.length} photos; ${form.dataset.most} fit in one batch. Send them in several.`;
  }
  const most = Math.floor(Number(form.dataset.mostBytes) / 2 ** 20);
  if (bytes > Number(form.dataset.mostBytes)) {
    return `These are ${Math.ceil(bytes / 2 ** 20)} MB; ${most} MB fit in one batch. Send them in several.`;
  }
  return null;
}

function show(text, share) {
  note.textContent = text;
  bar.value = share;
}

async function send(files) {
  problem.hidden = true;
  const objected = objection(files);
  if (objected) {
    explain(objected);
    return;
  }
  const what = ZIP.test(files[0].name) ? files[0].name : files.length === 1 ? "1 photo" : `${files.length} photos`;
  const key = uniqueKey();
  const onProgress = (share) =>
    share < 1 ? show(`${what}: ${Math.round(share * 100)} % sent`, share) : show(`${what}: looking through them`, 1);
  sending.hidden = false;
  show(`${what}: on the way`, 0);
  announcer.say(`Sending ${what}.`);
  try {
    const attempt = () => sendBatch(files, ZIP.test(files[0].name) ? "archive" : "photo", key, onProgress);
    const { batch } = await persist(attempt, (reason, seconds) => show(`${reason} Again in ${seconds} s`, 0));
    location.href = `/batches/${encodeURIComponent(batch.id)}`;
  } catch (error) {
    sending.hidden = true;
    explain(error.message);
  }
}

onFiles((files) => send(files));
