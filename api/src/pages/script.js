// The only script of the pages. It shows what changes (by asking for the page again, and by the stream of a job), and asks /v1 for what a
// button says. Text from elsewhere is only ever put in as text, or comes as HTML from this server's own pages.
"use strict";
(() => {
  const { up, every } = document.body.dataset;
  const said = document.getElementById("said");
  const at = (path) => new URL(up + path, location.href);
  const byId = (id) => document.getElementById(id);
  const MOST_LINES = 5000;

  // What is said stays until something else is.
  let standing = "";
  const say = (text, stays) => {
    said.textContent = text;
    if (stays !== undefined) standing = stays ? text : "";
  };

  // ---- the page, looked at again

  const swap = (old, fresh) => {
    if (old.innerHTML === fresh.innerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...old.querySelectorAll("details[open][id]")].map((one) => one.id);
    const scrolled = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
    old.replaceChildren(...fresh.childNodes);
    for (const id of open) byId(id)?.setAttribute("open", "");
    old.querySelectorAll(".scroll").forEach((one, index) => { one.scrollLeft = scrolled[index] ?? 0; });
    if (focused) byId(focused)?.focus({ preventScroll: true });
  };

  let looking = false, again = false;
  const look = async () => {
    if (looking) { again = true; return; }
    looking = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      // Signed out meanwhile; or the page of a problem, and now there is another.
      if (answer.redirected) return location.reload();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok !== !document.querySelector("[data-away]")) {
        if (answer.ok) return location.reload();
        say(`${fresh.querySelector("h1")?.textContent ?? answer.statusText}. This page shows what was known before.`, true);
        return;
      }
      if (standing) say("", false);
      if (answer.ok) {
        for (const part of document.querySelectorAll("[data-live][id]")) {
          const other = fresh.getElementById(part.id);
          if (other) swap(part, other);
        }
        document.title = fresh.title;
      }
    } catch {
      say("This server cannot be reached. This page shows what was known before.", true);
    } finally {
      looking = false;
      if (again) { again = false; soon(); }
    }
  };
  let due = 0;
  const soon = () => { clearTimeout(due); due = setTimeout(look, 120); };
  if (every) {
    setInterval(() => { if (!document.hidden) look(); }, Number(every));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  }

  // ---- a job's stream. Open only while it is seen: a browser has few connections to a server.

  const log = byId("log");
  if (log) log.scrollTop = log.scrollHeight;
  if (log?.dataset.events) {
    let events, place = at(log.dataset.events);
    const add = (stream, text) => {
      const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 30;
      const line = document.createElement("div");
      line.className = `line ${["stderr", "event", "system"].includes(stream) ? stream : ""}`;
      line.textContent = text;
      log.append(line);
      while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
      if (follows) log.scrollTop = log.scrollHeight;
    };
    const stop = () => { events?.close(); events = undefined; };
    const start = () => {
      if (events || !place) return;
      events = new EventSource(place);
      const on = (name, then) => events.addEventListener(name, (event) => {
        if (event.lastEventId) place.searchParams.set("last_event_id", event.lastEventId);
        then(JSON.parse(event.data));
      });
      on("log", (line) => add(line.stream, line.line));
      on("state", soon);
      on("progress", soon);
      on("reset", () => location.reload());
      on("end", () => { stop(); place = undefined; soon(); });
    };
    document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
    addEventListener("pagehide", stop);
    start();
  }

  // ---- what is asked of the API

  const ask = async (method, path, body) => {
    const options = { method, headers: { Accept: "application/json" } };
    if (body) { options.body = body; options.headers["Content-Type"] = "application/json"; }
    let answer;
    try {
      answer = await fetch(at(path), options);
    } catch {
      throw new Error("This server cannot be reached: it is not known whether this was done.");
    }
    const json = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    if (answer.ok) return json;
    throw Object.assign(new Error(json.detail ?? `${answer.status} ${answer.statusText}`), { problem: json });
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { act, url, body, then, copy, bulk } = button.dataset;
    if (copy) return copyText(button, copy);
    if (bulk) return openBulk(bulk);
    if (!act) return;
    button.disabled = true;
    try {
      const answer = await ask(act, url, body);
      if (then === "job") location.href = at(`jobs/${answer.id}`);
      else if (then === "jobs") location.href = at("jobs");
      else { say(`${button.textContent.trim()}: done.`); await look(); }
    } catch (error) {
      say(error.message);
    } finally {
      button.disabled = false;
    }
  });

  const copyText = async (button, id) => {
    const base = at("").href.replace(/\/$/, "");
    const text = byId(id).textContent.replaceAll("$DAYFLY_URL", id === "curl" ? base : "$DAYFLY_URL");
    try {
      await navigator.clipboard.writeText(text);
      say("Copied.");
    } catch {
      // Browsers give no clipboard to pages without TLS on other hosts.
      getSelection().selectAllChildren(byId(id));
      say("Marked: copy it by the keyboard.");
    }
    button.focus();
  };

  // ---- all jobs that match: counted, asked, done, a thousand a call

  const openBulk = async (verb) => {
    const dialog = byId("bulk"), yes = byId("bulk-yes"), no = byId("bulk-no"), text = byId("bulk-text");
    const filter = JSON.parse(document.querySelector("[data-filter]").dataset.filter);
    const call = (more) => ask("POST", "v1/jobs/actions", JSON.stringify({ action: verb, filter, ...more }));
    let stopped = false;
    byId("bulk-title").textContent = `${verb[0].toUpperCase()}${verb.slice(1)} all that match?`;
    text.textContent = "Counting …";
    yes.disabled = true;
    no.textContent = "No";
    no.onclick = () => dialog.close();
    dialog.onclose = () => { stopped = true; look(); };
    dialog.showModal();
    try {
      let count = 0, cursor;
      do {
        const answer = await call({ dry_run: true, cursor });
        count += answer.matched;
        cursor = answer.next ?? undefined;
        text.textContent = `${count}${cursor ? " or more" : ""} jobs match.`;
      } while (cursor && count < 20000 && !stopped);
      if (stopped) return;
      yes.disabled = count === 0;
      yes.textContent = `${verb[0].toUpperCase()}${verb.slice(1)} ${count}${cursor ? " or more" : ""} jobs`;
    } catch (error) {
      text.textContent = error.message;
      return;
    }
    yes.onclick = async () => {
      yes.disabled = true;
      no.textContent = "Stop";
      let done = 0, skipped = 0, cursor;
      try {
        do {
          const reason = verb === "cancel" ? { reason: "cancelled in the dashboard" } : {};
          const answer = await call({ cursor, ...reason });
          done += answer.done;
          skipped += Object.values(answer.skipped).reduce((sum, one) => sum + one, 0);
          cursor = answer.next ?? undefined;
          text.textContent = `${done} done${skipped ? `, ${skipped} had moved on or were refused` : ""}${cursor ? " …" : "."}`;
        } while (cursor && !stopped);
      } catch (error) {
        text.textContent = `${done} done, then: ${error.message}`;
      }
      no.textContent = "Close";
      no.focus();
    };
  };

  // ---- a new job

  // The very characters of a number are sent: a number of this language would lose digits.
  const number = (text) => (/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text.trim()) ? text.trim() : JSON.stringify(text));
  const asJson = {
    text: (text) => JSON.stringify(text),
    number,
    boolean: (text) => text,
    json: (text) => { JSON.parse(text); return text; },
    lines: (text, items) => `[${text.split("\n").filter((line) => line.trim()).map(items === "text" ? (line) => JSON.stringify(line) : number)}]`,
  };

  const form = byId("submit");
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const faults = byId("faults"), send = byId("send"), json = byId("json");
    faults.replaceChildren();
    faults.hidden = true;
    form.querySelectorAll("[aria-invalid]").forEach((one) => one.removeAttribute("aria-invalid"));
    const complain = (field, text) => {
      const line = document.createElement("li");
      line.textContent = text;
      faults.append(line);
      faults.hidden = false;
      field?.setAttribute("aria-invalid", "true");
    };
    const fields = [...form.querySelectorAll("[data-name]")];
    const byPointer = (pointer) => {
      const name = pointer.split("/")[1]?.replaceAll("~1", "/").replaceAll("~0", "~");
      return fields.find((field) => field.dataset.name === name);
    };
    const options = new URLSearchParams();
    for (const option of form.querySelectorAll("[data-option]")) {
      if (option.value.trim()) options.append(option.dataset.option, option.value.trim());
    }
    let body = json.value.trim() || "{}";
    if (fields.length && !json.value.trim()) {
      const members = [];
      for (const field of fields) {
        const { name, kind } = field.dataset;
        if (field.value.trim() === "") continue;
        try {
          members.push(`${JSON.stringify(name)}:${asJson[kind](field.value, field.dataset.items)}`);
        } catch (error) {
          complain(field, `${name}: ${error.message}`);
        }
      }
      if (!faults.hidden) return form.querySelector("[aria-invalid]").focus();
      body = `{${members.join(",")}}`;
    }
    send.disabled = true;
    try {
      const query = options.size ? `?${options}` : "";
      const job = await ask("POST", `v1/tasks/${form.dataset.task}${query}`, body);
      location.href = at(`jobs/${job.id}`);
    } catch (error) {
      const list = error.problem?.errors ?? [];
      if (!list.length) complain(undefined, error.message);
      for (const fault of list) complain(byPointer(fault.pointer), `${fault.pointer.slice(1) || "input"}: ${fault.detail}`);
      (form.querySelector("[aria-invalid]") ?? send).focus();
    } finally {
      send.disabled = false;
    }
  });

  // ---- a link from elsewhere comes without the cookie: whoever is signed in goes on

  const next = document.querySelector("form[data-next]")?.dataset.next;
  if (next && !document.querySelector("[role=alert]")) {
    fetch(at(next), { headers: { Accept: "text/html" } })
      .then((answer) => { if (answer.ok && !answer.redirected) location.replace(at(next)); })
      .catch(() => {});
  }

  // ---- keys

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && byId("q")) {
      event.preventDefault();
      byId("q").focus();
    }
  });
})();
