import type { Permits } from './permits.ts'

/**
 * Does each step under a permit, as many side by side as there are. After the first error no other begins.
 *
 * @param goOn asked before each begins
 * @throws the first error, when all that had begun have ended
 */
export async function sideBySide<T>(
  all: Iterable<T>,
  step: (one: T) => Promise<void>,
  { permits, goOn = () => true }: { permits: Permits; goOn?: () => boolean },
): Promise<void> {
  const underWay = new Set<Promise<void>>()
  const errors: unknown[] = []
  for (const one of all) {
    await permits.take()
    if (errors.length > 0 || !goOn()) {
      permits.give()
      break
    }
    const end: Promise<void> = step(one)
      .catch((error: unknown) => void errors.push(error))
      .finally(() => {
        permits.give()
        underWay.delete(end)
      })
    underWay.add(end)
  }
  await Promise.all(underWay)
  if (errors.length > 0) throw errors[0]
}
