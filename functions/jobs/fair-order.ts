/** A job that waits for a free engine slot. `serverId` is null for direct messages and the command line. */
export interface WaitingJob {
  readonly id: string;
  readonly userId: string;
  readonly serverId: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** When a server, or a user in a server, was last given a slot: a counter that only grows. Absent = never. */
export type ServedTurns = Readonly<Record<string, number>>;

/** The order in which waiting jobs get slots: round robin over servers, inside a server over its users, inside a
 * user oldest first. Whoever waited longest since their last turn goes first, so one person with a hundred jobs
 * delays everyone else by one job, not by a hundred. */
export function fairOrder(waiting: readonly WaitingJob[], served: ServedTurns): readonly WaitingJob[] {
  const turns = new Map(Object.entries(served));
  const queues = groupByTurn(waiting);
  const order: WaitingJob[] = [];
  while (queues.length > 0) {
    const server = longestWaiting(queues, turns);
    const user = longestWaiting(server.users, turns);
    const job = user.jobs.shift() as WaitingJob;
    order.push(job);
    markServed(turns, job);
    if (user.jobs.length === 0) server.users.splice(server.users.indexOf(user), 1);
    if (server.users.length === 0) queues.splice(queues.indexOf(server), 1);
  }
  return order;
}

/** `served` after `job` got a slot; the `keep` most recent turns are remembered, so the record stays small. */
export function serve(served: ServedTurns, job: WaitingJob, keep = 1_000): ServedTurns {
  const turns = new Map(Object.entries(served));
  markServed(turns, job);
  return Object.fromEntries([...turns].sort((a, b) => b[1] - a[1]).slice(0, keep));
}

interface UserQueue {
  readonly turn: string;
  readonly jobs: WaitingJob[];
}

interface ServerQueue {
  readonly turn: string;
  readonly users: UserQueue[];
  readonly jobs: readonly WaitingJob[];
}

/** Members of a server take turns as that server; a person outside any server is a server of one. */
function serverTurn(job: WaitingJob): string {
  return job.serverId === null ? `direct/${job.userId}` : `server/${job.serverId}`;
}

function userTurn(job: WaitingJob): string {
  return `${serverTurn(job)}/${job.userId}`;
}

function groupByTurn(waiting: readonly WaitingJob[]): ServerQueue[] {
  const oldestFirst = [...waiting].sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return [...Map.groupBy(oldestFirst, serverTurn)].map(([turn, jobs]) => ({
    turn,
    jobs,
    users: [...Map.groupBy(jobs, userTurn)].map(([user, own]) => ({ turn: user, jobs: [...own] })),
  }));
}

function longestWaiting<Queue extends { readonly turn: string; readonly jobs: readonly WaitingJob[] }>(
  queues: readonly Queue[],
  turns: ReadonlyMap<string, number>,
): Queue {
  // Queues were formed oldest job first, so the first of equals is the one whose job has waited longest.
  return queues.reduce((best, queue) => ((turns.get(queue.turn) ?? 0) < (turns.get(best.turn) ?? 0) ? queue : best));
}

function markServed(turns: Map<string, number>, job: WaitingJob): void {
  const next = Math.max(0, ...turns.values()) + 1;
  turns.set(serverTurn(job), next);
  turns.set(userTurn(job), next);
}
