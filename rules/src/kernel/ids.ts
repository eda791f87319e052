/**
 * Ids. A contest and a person are named by a UUID. What a contest brings forth (an order, a place on
 * its waiting list) is named by the contest and the position of the log entry that brought it forth,
 * so that every process gives it the same id with nobody handing ids out.
 */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UUID_LENGTH = 36;

/** A person as the public log names them: opaque, another one in every contest. */
export type Pseudonym = string;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** The id of the order that log entry `seq` of a contest brought forth: `<contest uuid>-<seq>`. */
export function orderId(contest: string, seq: number): string {
  return `${contest}-${seq}`;
}

/** The contest and entry an order id names, or null when it is not one. */
export function parseOrderId(id: string): { contest: string; seq: number } | null {
  const contest = id.slice(0, UUID_LENGTH);
  const digits = id.slice(UUID_LENGTH + 1);
  if (!isUuid(contest) || id[UUID_LENGTH] !== '-' || !/^[1-9][0-9]{0,14}$/.test(digits))
    return null;
  return { contest, seq: Number(digits) };
}
