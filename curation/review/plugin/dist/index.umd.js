/* The keyboard half of the plugin: keys and a bar of hints over the open image.

   FiftyOne binds no keys to Python operators, so this script listens for them and calls the operators, which write the
   decision (curation/review/interface/operators.py). Plain JavaScript: there is nothing to build. It is quiet on any dataset that
   `curate` did not push, while text is typed, and with Ctrl, Alt or Meta held. One decision at a time: keys pressed
   while one is being written wait their turn, so that none can land on the wrong image. */
(() => {
  "use strict";
  const PLUGIN = "@curation/review/";
  const DECISIONS = { k: "keep", d: "remove", u: "unknown", 1: "turn:90", 2: "turn:180", 3: "turn:270", m: "small" };
  const PAIRS = { ",": "accept_left", ".": "accept_right", t: "not_a_copy", c: "is_a_copy", q: "both_unknown" };
  const ARROWS = ["ArrowLeft", "ArrowRight"];
  const ASKING = ["l", "b", "v", "w"];
  const HINTS = "a accept · k keep · d remove · u unknown · l relabel · b benchmark · 1 2 3 turn · m small · n nearest · v view · w who";
  const PAIR_HINTS = "the two: , left label · . right label · t no copy · c a copy · q both unknown";
  const GRID_HINTS = `Enter opens the first image · decisions are about the selected ones: ${HINTS}`;
  const WAITING = "…"; // instead of facts, until those of the open image are there
  const MOVED_WITHIN = 5000; // milliseconds until the App must have shown the next image
  const CLICKED_WITHIN = 800; // milliseconds that a click on the grid has to open its image
  const CLOSED_WITHIN = 350; // milliseconds that the App has to act on Escape, which it only does under the mouse

  let queue = null; // what `info` said of the dataset; null: not asked yet, or not ours
  let shown = null; // what `describe` said of the open image
  let place = ""; // the page's address when it was last looked at
  let drawn = ""; // the image that was open when the bar was drawn because of it
  let asked = ""; // the dataset that `info` answered for
  let busy = false;
  let decided = false; // by somebody, since the views were renewed
  const waiting = []; // keys pressed meanwhile: {key, early}
  let writing = null; // the item of `waiting` that will ask for text: what is typed until then is its `early`
  const ours = new WeakSet(); // events that this script made itself

  /* ---- the App ---- */

  const call = (name, params = {}) =>
    new Promise((resolve) => {
      const callback = (answer) => {
        if (answer.error) say(String(answer.errorMessage || answer.error), true);
        resolve(answer.error ? {} : answer.result || {});
      };
      try {
        window.__foo__.executeOperator(PLUGIN + name, params, { callback, skipErrorNotification: true });
      } catch (error) {
        resolve({}); // the App still loads its operators
      }
    });

  const openId = () => new URLSearchParams(window.location.search).get("id") || ""; // the App puts the open image there
  const isOpen = () => document.querySelector('[data-cy="modal"]') !== null;
  const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));
  const reviewer = () => window.localStorage.getItem("curation.reviewer") || "";

  const press = (key) => {
    for (const kind of ["keydown", "keyup"]) {
      const event = new KeyboardEvent(kind, { key, code: key, bubbles: true, cancelable: true });
      ours.add(event);
      document.dispatchEvent(event);
    }
  };

  const firstTile = () => {
    const tiles = [...document.querySelectorAll('[data-cy="looker"]')].filter((tile) => !tile.closest('[data-cy="modal"]'));
    const placed = tiles.map((tile) => [tile, tile.getBoundingClientRect()]).filter(([, box]) => box.width > 0 && box.bottom > 0);
    placed.sort(([, a], [, b]) => Math.round(a.top - b.top) || a.left - b.left);
    return placed.length ? placed[0][0] : null;
  };

  const openFirst = async () => {
    if (!firstTile()) return say("no image in this view");
    let clicked = 0;
    // A grid that is being drawn again swallows clicks, and the App knows the open image a moment after it shows it.
    for (const until = Date.now() + MOVED_WITHIN; Date.now() < until; await sleep(30)) {
      if (isOpen()) {
        await look();
        if (shown && shown.id) return undefined;
      } else if (firstTile() && Date.now() - clicked > CLICKED_WITHIN) {
        firstTile().click();
        clicked = Date.now();
      }
    }
    return say("press Enter to go on", true);
  };

  /* ---- the bar ---- */

  const bar = document.createElement("div");
  bar.id = "curation-review";
  bar.style.cssText =
    "position:fixed;left:50%;bottom:2px;transform:translateX(-50%);z-index:20000;width:max-content;max-width:92vw;padding:3px 12px;display:none;" +
    "font:12px/1.4 system-ui,sans-serif;color:#fff;background:rgba(20,20,20,.92);border:1px solid #666;border-radius:8px;" +
    "pointer-events:none";
  const line = () => bar.appendChild(document.createElement("div"));
  const [facts, message, field, found, hints] = [line(), line(), bar.appendChild(document.createElement("input")), line(), line()];
  field.type = "text";
  field.style.cssText =
    "display:none;width:100%;color:#000;background:#fff;border:0;padding:3px 6px;border-radius:4px;pointer-events:auto";
  hints.style.opacity = "0.75";

  const mate = document.createElement("figure"); // the picture of the partner, beside the open image
  mate.id = "curation-partner";
  mate.style.cssText =
    "position:fixed;left:10px;bottom:60px;z-index:20000;margin:0;padding:6px;display:none;font:12px/1.4 system-ui,sans-serif;" +
    "color:#fff;background:rgba(20,20,20,.92);border:1px solid #666;border-radius:8px;pointer-events:none";
  const [picture, caption] = [document.createElement("img"), document.createElement("figcaption")];
  picture.style.cssText = "display:block;width:22vw;max-height:45vh;object-fit:contain";
  mate.append(picture, caption);

  const drawPartner = (partner) => {
    if (!mate.isConnected) document.body.appendChild(mate);
    mate.style.display = partner ? "block" : "none";
    if (!partner) return;
    const source = `/media?filepath=${encodeURIComponent(partner.file)}`;
    if (picture.getAttribute("src") !== source) picture.setAttribute("src", source);
    caption.textContent = `the ${partner.side} image: ${partner.label ? `labelled ${partner.label}` : "no label"}`;
  };

  const percent = (part) => `${Math.round(100 * part)} %`;

  const say = (text, wrong = false) => {
    message.textContent = text;
    message.style.color = wrong ? "#ff8a80" : "#a5d6a7";
    draw();
  };

  const draw = () => {
    if (!bar.isConnected) document.body.appendChild(bar);
    bar.style.display = queue ? "block" : "none";
    const one = isOpen() && shown && (!openId() || openId() === shown.id) ? shown : null; // never the facts of another image
    bar.dataset.sample = (one && one.id) || "";
    const parts = one && [
      `labelled ${one.label || "nothing"}`,
      one.kind === "blind"
        ? "reviewed blind: is the label right? k keeps it, l gives another"
        : `predicted ${one.predicted || "?"}${one.confidence === null ? "" : ` (${percent(one.confidence)})`}`,
      one.label_words,
      one.partner && `this is the ${one.partner.side === "left" ? "right" : "left"} image of two`,
      one.explanation && one.explanation.split("; ").slice(0, 2).join("; "), // all of it stands in the panel
      one.decision && `decided: ${one.decision}`,
    ];
    facts.textContent = parts ? parts.filter(Boolean).join("  ·  ") : isOpen() ? WAITING : "";
    drawPartner(queue && one && one.partner);
    if (!queue) return;
    const keys = isOpen() ? (one && one.partner ? `${PAIR_HINTS} · ${HINTS}` : HINTS) : GRID_HINTS;
    hints.textContent = `${queue.decided} of ${queue.total} decided, ${queue.left} left  ·  ${keys}`;
  };

  /* Ask for one text; candidates narrow as it is typed, Tab takes the first, Enter answers, Escape gives up. */
  const ask = (title, candidates, early = []) =>
    new Promise((resolve) => {
      writing = null;
      field.placeholder = title;
      field.value = "";
      field.style.display = "block";
      draw();
      field.focus();
      const fits = () => candidates.filter((name) => name.toLowerCase().includes(field.value.trim().toLowerCase()));
      const best = () => {
        const typed = field.value.trim();
        const exact = candidates.find((name) => name.toLowerCase() === typed.toLowerCase());
        return exact || (typed && fits()[0]) || typed;
      };
      const show = () => {
        const names = fits();
        const fresh = field.value.trim() && !names.length && candidates.length ? "new: Enter makes it" : "";
        found.textContent = fresh || names.slice(0, 12).join("  ·  ") + (names.length > 12 ? " …" : "");
      };
      const end = (answer) => {
        field.style.display = "none";
        field.onkeydown = field.oninput = null;
        field.blur();
        found.textContent = "";
        draw();
        resolve(answer);
      };
      field.oninput = show;
      field.onkeydown = (event) => {
        event.stopPropagation();
        if (event.key === "Enter") end(best());
        else if (event.key === "Escape") end("");
        else if (event.key === "Tab") {
          event.preventDefault();
          field.value = best();
          show();
        }
      };
      for (const key of early) {
        if (key === "Enter") return end(best());
        if (key === "Escape") return end("");
        field.value = key === "Backspace" ? field.value.slice(0, -1) : field.value + key;
      }
      return show();
    });

  /* ---- what the keys do ---- */

  const look = async () => {
    shown = isOpen() ? await call("describe") : null;
    draw();
  };

  /* The end of the view, or an image that has left it: let decided images go, and go on with what is left. */
  const again = async () => {
    const tile = firstTile();
    decided = false;
    const { left } = await call("refresh");
    shown = null;
    if (!left) return say(queue.left ? `this view is done; ${queue.left} left in the queue` : "the queue is cleared");
    for (const until = Date.now() + MOVED_WITHIN; Date.now() < until; await sleep(50)) {
      if (!isOpen() && firstTile() && firstTile() !== tile) break;
    }
    return openFirst();
  };

  /* Go to the next image that nobody decided, and wait until the App shows it, so that the next key is about that one. */
  const advance = async () => {
    do {
      const before = shown && shown.id;
      if (!document.querySelector('[data-cy="nav-right-button"]')) return again();
      press("ArrowRight");
      for (const until = Date.now() + MOVED_WITHIN; Date.now() < until; await sleep(15)) {
        await look();
        if (shown && shown.id && shown.id !== before) break;
      }
      if (!shown || !shown.id || shown.id === before || shown.gone) return again();
    } while (shown.decision);
    return undefined;
  };

  const decide = async (name, params) => {
    const answer = await call(name, { ...params, reviewer: reviewer() });
    if (!answer.done) return answer.error ? say(answer.error, true) : undefined;
    Object.assign(queue, { total: answer.total, decided: answer.decided, left: answer.left });
    decided = true;
    say(`before: ${answer.tag}${answer.done > 1 ? ` (${answer.done} images)` : ""}`);
    return isOpen() ? advance() : undefined;
  };

  const typed = async (title, candidates, prefix, early) => {
    const text = await ask(title, candidates, early);
    if (!text) return;
    if (!candidates.includes(text)) candidates.push(text);
    await decide("decide", { tag: prefix + text });
  };

  const KEYS = {
    a: () => decide("accept", {}),
    l: (early) => typed("label", queue.classes, "relabel:", early),
    b: (early) => typed("benchmark set", queue.sets, "benchmark:", early),
    n: () => call("show_nearest"),
    v: async (early) => {
      const name = await ask("view", queue.views, early);
      if (queue.views.includes(name)) await call("open_view", { choice: name });
    },
    w: async (early) => {
      const name = await ask(`reviewer (${reviewer()})`, [], early);
      if (name) window.localStorage.setItem("curation.reviewer", name);
    },
    Enter: () => (isOpen() ? undefined : openFirst()),
    Escape: async () => {
      await sleep(CLOSED_WITHIN);
      if (isOpen()) await call("refresh");
    },
  };
  for (const [key, tag] of Object.entries(DECISIONS)) KEYS[key] = () => decide("decide", { tag });
  for (const [key, name] of Object.entries(PAIRS)) KEYS[key] = () => decide(name, {});
  for (const key of ARROWS) KEYS[key] = () => press(key);

  const work = async () => {
    if (busy) return;
    busy = true;
    while (waiting.length) {
      try {
        const { key, early } = waiting.shift();
        await KEYS[key](early);
      } catch (error) {
        say(String(error), true);
      }
    }
    busy = false;
  };

  const typing = (target) => target && (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.isContentEditable);

  const stop = (event) => {
    event.stopImmediatePropagation();
    event.preventDefault();
  };

  const takeText = (event) => {
    stop(event);
    if (event.type !== "keydown" || !(event.key.length === 1 || ["Enter", "Escape", "Backspace"].includes(event.key))) return;
    writing.early.push(event.key);
    if (event.key === "Enter" || event.key === "Escape") writing = null;
  };

  const take = (event) => {
    if (writing && !ours.has(event)) return takeText(event);
    if (event.key === "Escape" && queue && isOpen() && event.type === "keydown" && !typing(event.target)) {
      waiting.push({ key: "Escape" });
      return void work();
    }
    const bare = !(event.ctrlKey || event.altKey || event.metaKey || event.shiftKey);
    if (!queue || !bare || ours.has(event) || typing(event.target) || !(event.key in KEYS)) return undefined;
    if (event.key === "Escape") return undefined;
    if (ARROWS.includes(event.key) && !busy) return undefined;
    if (event.key === "Enter" && (isOpen() || event.target.closest("button, a, [role=button], [role=option]"))) return undefined;
    stop(event);
    if (event.type === "keydown" && !event.repeat) {
      const item = { key: event.key, early: [] };
      if (ASKING.includes(event.key)) writing = item;
      waiting.push(item);
      void work();
    }
    return undefined;
  };
  window.addEventListener("keydown", take, true);
  window.addEventListener("keyup", take, true);

  /* ---- notice another dataset, another image, a closed image ---- */

  const watch = async () => {
    const dataset = window.location.pathname;
    const here = dataset + window.location.search + isOpen();
    if (busy || (here === place && asked === dataset)) return;
    busy = true;
    if (asked !== dataset) {
      const info = await call("info");
      if ("queue" in info) asked = dataset;
      queue = info.queue ? info : null;
      decided = Boolean(info.stale);
    }
    if (queue && decided && !isOpen()) {
      decided = false;
      await call("refresh");
    }
    if (queue) await look();
    place = here;
    busy = false;
    void work();
  };
  setInterval(() => void watch(), 400);

  /* Before each frame is painted: where another image is open, take the last one's facts away and ask for its own. */
  const follow = () => {
    if (queue && openId() !== drawn) {
      drawn = openId();
      draw();
      void watch();
    }
    window.requestAnimationFrame(follow);
  };
  follow();
})();
