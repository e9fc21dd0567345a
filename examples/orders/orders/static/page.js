"use strict";

const SHOWN = 15;
const RECONNECT_MS = 1000;
const HEALTH_MS = 5000;
const PATIENCE_MS = 8000;

const find = (id) => document.getElementById(id);
const known = new Set();
const tally = { acknowledged: 0, failed: 0, unknown: 0 };
let pending = null;

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function identify(response) {
  for (const name of ["version", "colour", "member"]) {
    const value = response.headers.get(`X-Evenkeel-${name}`);
    if (value) find(name).textContent = value;
  }
  find("colour").dataset.colour = find("colour").textContent;
}

function show(order, fresh) {
  if (known.has(order.id)) return;
  known.add(order.id);
  const row = document.createElement("tr");
  if (fresh) row.className = "new";
  row.dataset.sequence = order.sequence;
  const placed = new Date(order.created_at).toLocaleTimeString();
  for (const text of [order.sequence, order.item, order.quantity, placed, order.id.slice(0, 8)]) {
    row.append(element("td", text));
  }
  const rows = find("orders");
  const before = [...rows.children].find((other) => Number(other.dataset.sequence) < order.sequence);
  rows.insertBefore(row, before ?? null);
  while (rows.children.length > SHOWN) rows.lastChild.remove();
  find("empty").hidden = true;
}

async function loadOrders() {
  const response = await fetch(`/api/orders?limit=${SHOWN}`);
  identify(response);
  if (!response.ok) return;
  const { orders } = await response.json();
  for (const order of orders) show(order, false);
  find("empty").hidden = known.size > 0;
}

async function loadCatalogue() {
  const response = await fetch("/api/catalogue");
  if (!response.ok) throw new Error(response.statusText);
  const { items } = await response.json();
  find("items").replaceChildren(...items.map((item, index) => {
    const label = document.createElement("label");
    const choice = document.createElement("input");
    Object.assign(choice, { type: "radio", name: "item", value: item.item, checked: index === 0 });
    const price = (item.price_cents / 100).toFixed(2);
    const ordered = item.ordered === null ? "" : `, ${item.ordered} ordered`;
    label.append(choice, element("span", item.name), element("small", price + ordered));
    return label;
  }));
}

async function loadHealth() {
  const response = await fetch("/health");
  const { dependencies } = await response.json();
  find("health").replaceChildren(...Object.entries(dependencies).map(([name, state]) => {
    const entry = element("li", name);
    entry.dataset.state = state;
    entry.title = state;
    return entry;
  }));
}

function report(outcome, text) {
  find("outcome").dataset.outcome = outcome;
  find("outcome").textContent = text;
  tally[{ created: "acknowledged", repeated: "acknowledged", unknown: "unknown" }[outcome] ?? "failed"] += 1;
  for (const [name, count] of Object.entries(tally)) find(`tally-${name}`).textContent = count;
}

async function place(event) {
  event.preventDefault();
  const form = new FormData(event.target);
  const body = JSON.stringify({ item: form.get("item"), quantity: Number(form.get("quantity")) });
  // An order whose fate is unknown is asked about with its own key: it can't be placed twice.
  if (pending?.body !== body) pending = { body, key: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}` };
  const button = event.target.querySelector("button");
  button.disabled = true;
  const started = performance.now();
  try {
    const response = await fetch("/api/orders", {
      method: "POST", body, signal: AbortSignal.timeout(PATIENCE_MS),
      headers: { "Content-Type": "application/json", "Idempotency-Key": pending.key },
    });
    identify(response);
    const answer = await response.json();
    if (response.ok) {
      pending = null;
      report(answer.status, `Order ${answer.sequence} is placed, on disk and replicated.`);
      show(answer, true);
    } else if (answer.status === "unknown") {
      report("unknown", "Perhaps placed: the commit was not confirmed. Press again; it can't be placed twice.");
    } else {
      report("failed", `Not placed (${response.status}). Nothing was stored; press again.`);
    }
  } catch (error) {
    report("unknown", `No answer (${error.name}). Press again; it can't be placed twice.`);
  } finally {
    find("tally-ms").textContent = `${Math.round(performance.now() - started)} ms`;
    button.disabled = false;
  }
}

function listen() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}/ws`);
  const live = find("live");
  socket.onopen = () => { live.dataset.state = "on"; live.textContent = "live"; };
  socket.onmessage = (event) => {
    if (event.data !== "pong") show(JSON.parse(event.data).order, true);
  };
  socket.onclose = () => {
    live.dataset.state = "off";
    live.textContent = "reconnecting";
    setTimeout(() => { listen(); quietly(loadOrders); }, RECONNECT_MS);
  };
}

function quietly(load) {
  load().catch((error) => console.warn(load.name, error));
}

find("place").addEventListener("submit", place);
quietly(loadOrders);
quietly(loadCatalogue);
quietly(loadHealth);
setInterval(() => quietly(loadHealth), HEALTH_MS);
listen();
