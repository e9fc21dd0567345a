// What goes on while a release does, at a constant arrival rate (open loop): of ten requests of a client six are read on
// a connection that is kept, three are POSTs with an id each where there is a path for them (else read as well), and
// one is a new visitor's, without cookies and on a connection that ends with the answer. WebSockets stay open beside, one
// per client, and connect again when the server closes them.
//
// EDGES: base URLs, comma-separated.  RATE: requests a second, or CLIENTS: as many as so many clients get answers to
// (closed loop: what the platform can do).  DURATION: at most (k6 notation).  READ: paths,
// comma-separated.  WRITE, BODY, ID_HEADER: path, JSON and header of a POST; WRITE empty: none.  SOCKET, SOCKETS: path
// and number of WebSockets.  RUN: begins every request's id.  USER: user:password of the edge, where it asks for one.
//
// One line on the console per event, read by trial.py; times in ms since 1970:
//   q NUMBER SENT TOOK STATUS COLOUR KIND CONNECTED ELSEWHERE CACHED ERROR   a request and what came of it
//   o AT, c AT CODE, e AT TEXT                                        a WebSocket opened, closed, failed
// A client knows both edges: what could not even be connected to one (nothing was sent) goes to the other.
import http from 'k6/http';
import ws from 'k6/ws';
import exec from 'k6/execution';
import encoding from 'k6/encoding';
import { sleep } from 'k6';

const edges = __ENV.EDGES.split(',');
const reads = __ENV.READ.split(',');
// No connection was made, TLS included: nothing of the request was sent, so whoever asks may ask another edge, whatever
// the method. (Docker's forwarding of a port on this machine takes connections while Nginx starts or ends, and drops them.)
const notSent = (answer) => answer.status === 0 && !answer.remote_ip;
const basic = __ENV.USER ? { Authorization: `Basic ${encoding.b64encode(__ENV.USER)}` } : {};
const sockets = Number(__ENV.SOCKETS || 0);

const closed = {
  executor: 'constant-vus', vus: Number(__ENV.CLIENTS || 0), duration: __ENV.DURATION, gracefulStop: '5s', exec: 'request',
};
const open = {
  executor: 'constant-arrival-rate', rate: Number(__ENV.RATE), timeUnit: '1s', duration: __ENV.DURATION,
  preAllocatedVUs: 40, maxVUs: 400, gracefulStop: '20s', exec: 'request',
};
const scenarios = { requests: closed.vus ? closed : open };
if (sockets) {
  scenarios.sockets = {
    executor: 'constant-vus', vus: sockets, duration: __ENV.DURATION, gracefulStop: '5s', exec: 'feed',
  };
}

export const options = {
  insecureSkipTLSVerify: true,  // the authority is the stack's own; the tests check it
  scenarios, discardResponseBodies: true, noCookiesReset: true,
};

export function request() {
  const number = exec.scenario.iterationInTest;
  // k6 gives requests to its clients in a circle: by the number alone each of them would ask for the same every time,
  // and so would the few visitors of a canary.
  const own = exec.vu.iterationInScenario + exec.vu.idInTest;
  const turn = own % 10;
  const writes = __ENV.WRITE && turn >= 7;
  const kind = writes ? 'write' : turn === 4 ? 'new' : 'read';
  const headers = { ...basic, 'X-Request-ID': `${__ENV.RUN}-${number}` };
  if (kind === 'new') {
    headers.Connection = 'close';
    edges.forEach((edge) => http.cookieJar().clear(edge));  // drawn anew between the colours
  }
  if (writes) {
    headers['Content-Type'] = 'application/json';
    headers[__ENV.ID_HEADER] = `${__ENV.RUN}-${number}`;
  }
  const path = writes ? __ENV.WRITE : reads[(turn + Math.floor(own / 10)) % reads.length];
  const sent = Date.now();
  let answer;
  let elsewhere = 0;
  for (let at = 0; at < edges.length; at += 1) {
    const url = edges[(number + at) % edges.length] + path;
    answer = http.request(writes ? 'POST' : 'GET', url, writes ? __ENV.BODY : null, { headers, timeout: '15s', redirects: 0 });
    if (!notSent(answer)) break;
    if (at + 1 < edges.length) elsewhere = 1;
  }
  const colour = answer.headers['X-Evenkeel-Colour'] || '-';
  const connected = answer.timings.tls_handshaking > 0 ? 1 : 0;
  const cached = ['HIT', 'STALE', 'UPDATING'].includes(answer.headers['X-Cache-Status']) ? 1 : 0;
  const error = (answer.error || '').slice(0, 120);
  console.log(`q ${number} ${sent} ${Date.now() - sent} ${answer.status} ${colour} ${kind} ${connected} ${elsewhere} ${cached} ${error}`);
}

export function feed() {
  const edge = edges[exec.vu.idInTest % edges.length].replace('https://', 'wss://');
  const answer = ws.connect(edge + __ENV.SOCKET, { headers: basic }, (socket) => {
    socket.on('open', () => {
      console.log(`o ${Date.now()}`);
      socket.setInterval(() => socket.ping(), 10000);
    });
    socket.on('close', (code) => console.log(`c ${Date.now()} ${code || 0}`));
    socket.on('error', (error) => console.log(`e ${Date.now()} ${error.error()}`));
  });
  if (!answer || answer.status !== 101) console.log(`e ${Date.now()} status ${answer ? answer.status : 0}`);
  sleep(0.2 + Math.random() * 0.3);
}
