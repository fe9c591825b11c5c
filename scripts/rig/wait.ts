import { setTimeout as sleep } from 'node:timers/promises'

/** Asks again until there is an answer or the time is up. @returns the answer, or undefined when the time is up */
export async function eventually<T>(
  withinMs: number,
  everyMs: number,
  ask: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  for (const until = performance.now() + withinMs; ; await sleep(everyMs)) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > until) return undefined
  }
}
