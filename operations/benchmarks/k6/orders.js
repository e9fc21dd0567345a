// Orders through the front door at a constant arrival rate (open loop): a request is sent when it is due, however long
// the others take. Seven of ten read an order from the database, two place one, one reads a session.
//
// EDGES: base URLs, comma-separated.  RATE: requests a second.  DURATION: at most (k6 notation).  VUS: at a closed loop
// instead, as fast as the platform answers (for its capacity).  MIX: "all", or "read" for reads of one order alone.
// PATHS: GET these (separated by spaces) in turn instead, of any application; whatever is not an error is as it should be.
//
// One line on the console per event, read by load.py: `ack KEY TIME` for a placed order, `failed TIME WHAT` for a request
// that was not answered as it should be. A client knows both edges: what found no connection to one (nothing was sent)
// goes to the other. Anything else that goes wrong counts as failed.
import http from 'k6/http';
import exec from 'k6/execution';
import { Counter } from 'k6/metrics';

const edges = __ENV.EDGES.split(',');
const paths = (__ENV.PATHS || '').split(' ').filter((path) => path);
const failed = new Counter('failed');
const asked = new Counter('asked');
const elsewhere = new Counter('other_edge');
// No connection was made, TLS included: nothing of the request was sent, so whoever asks may ask another edge, whatever
// the method. (Docker's forwarding of a port on this machine takes connections while Nginx starts or ends, and drops them.)
const notSent = (answer) => answer.status === 0 && !answer.remote_ip;

const closed = { executor: 'constant-vus', vus: Number(__ENV.VUS || 0), duration: __ENV.DURATION, gracefulStop: '5s' };
const open = {
  executor: 'constant-arrival-rate', rate: Number(__ENV.RATE || 0), timeUnit: '1s', duration: __ENV.DURATION,
  preAllocatedVUs: 60, maxVUs: 400, gracefulStop: '20s',
};

export const options = {
  insecureSkipTLSVerify: true,  // the authority is the stack's own; the tests check it
  scenarios: { orders: __ENV.VUS ? closed : open },
  summaryTrendStats: ['min', 'med', 'avg', 'p(95)', 'p(99)', 'max'],
  noCookiesReset: true,
};

function ask(method, path, body, headers) {
  const first = (exec.vu.idInTest + exec.vu.iterationInScenario) % edges.length;
  let answer;
  for (let turn = 0; turn < edges.length; turn += 1) {
    const url = edges[(first + turn) % edges.length] + path;
    answer = http.request(method, url, body, { headers: headers || {}, timeout: '15s', tags: { name: path.split('/')[2] || path } });
    if (!notSent(answer)) break;
    if (turn + 1 < edges.length) elsewhere.add(1);
  }
  asked.add(1);
  return answer;
}

const fine = { includes: (status) => status >= 200 && status < 400 };

function expect(answer, statuses, what) {
  if (statuses.includes(answer.status)) return true;
  failed.add(1);
  console.log(`failed ${Date.now()} ${what} ${answer.status} ${answer.error_code || ''} ${(answer.error || answer.body || '').slice(0, 160)}`);
  return false;
}

function place(key) {
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': key };
  return ask('POST', '/api/orders', JSON.stringify({ item: 'anchor', quantity: 1 }), headers);
}

export function setup() {
  if (paths.length) return {};
  const answer = place(`setup-${Date.now()}`);
  return { order: answer.json('id'), run: `${Date.now()}` };
}

export default function (told) {
  const turn = exec.scenario.iterationInTest % 10;
  if (paths.length) {
    const path = paths[exec.scenario.iterationInTest % paths.length];
    expect(ask('GET', path), fine, `GET ${path}`);
  } else if (__ENV.MIX === 'read' || turn < 7) {
    expect(ask('GET', `/api/orders/${told.order}`), [200], 'read');
  } else if (turn < 9) {
    const key = `${told.run}-${exec.scenario.iterationInTest}`;
    if (expect(place(key), [200, 201], 'place')) console.log(`ack ${key} ${Date.now()}`);
  } else {
    expect(ask('GET', '/api/session'), [200, 401], 'session');
  }
}
