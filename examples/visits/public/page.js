const list = document.querySelector('#visits');
const shown = new Map();

function show({ id, name, message, greeting }) {
  const item = shown.get(id) ?? document.createElement('li');
  if (message) item.textContent = `${name}: ${message} `;
  if (greeting) item.append(Object.assign(document.createElement('small'), { textContent: greeting }));
  if (!shown.has(id)) list.prepend(item);
  shown.set(id, item);
}

function listen() {
  const socket = new WebSocket(`wss://${location.host}/ws`);
  socket.onmessage = ({ data }) => { if (data.startsWith('{')) show(JSON.parse(data).visit); };
  socket.onclose = () => setTimeout(listen, 500 + 1000 * Math.random());
}

document.querySelector('#form').onsubmit = async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const answer = await fetch('/api/visits', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  if (answer.ok) event.target.reset();
};

const me = await (await fetch('/api/me')).json();
document.querySelector('#me').textContent = `Your visit number ${me.visits}, answered by ${me.member}.`;
for (const visit of (await (await fetch('/api/visits?limit=20')).json()).reverse()) show(visit);
listen();
