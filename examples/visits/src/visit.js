// What a visitor may write.
const LIMITS = { name: 80, message: 500 };
const DELAY_MAX_MS = 60_000;

/** The visit in a request's body, or `{ reason }` why there is none. */
export function parseVisit(body) {
  if (typeof body !== 'object' || body === null) return { reason: 'a JSON object with name and message' };
  for (const [field, limit] of Object.entries(LIMITS)) {
    const value = body[field];
    if (typeof value !== 'string' || !value.trim() || value.length > limit) {
      return { reason: `${field}: text of 1 to ${limit} characters` };
    }
  }
  const delayMs = body.delay_ms ?? 0;
  if (!Number.isInteger(delayMs) || delayMs < 0 || delayMs > DELAY_MAX_MS) {
    return { reason: `delay_ms: whole number, 0 to ${DELAY_MAX_MS}` };
  }
  return { visit: { name: body.name.trim(), message: body.message.trim() },
    how: { urgent: body.urgent === true, delayMs } };
}
