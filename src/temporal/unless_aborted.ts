import { once } from 'node:events'

/**
 * What the work comes to, unless it is called off: then it is left alone, and so is what comes of it.
 *
 * @throws the signal's reason when it was called off; else what the work raised
 */
export async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (!signal) return work
  const waiting = new AbortController()
  const calledOff = signal.aborted ? Promise.resolve() : once(signal, 'abort', { signal: waiting.signal })
  try {
    const result = await Promise.race([work, calledOff])
    signal.throwIfAborted()
    return result as T
  } finally {
    waiting.abort()
  }
}
