import { setTimeout as sleep } from 'node:timers/promises'
import type { Connector, Limiter, Page, Session } from '../../src/connector/connector.ts'
import { ConnectorError } from '../../src/connector/errors.ts'
import { fs } from '../../src/connector/fs/fs.ts'

/** A call takes between 0 and this long, in milliseconds; or exactly as long as `PROMISED_FS_MS` says. */
const jitterMs = 5
const latencyMs = process.env['PROMISED_FS_MS'] === undefined ? undefined : Number(process.env['PROMISED_FS_MS'])

/** Answered at once on every platform that has it: no remote one knows ACLs by file. */
const atOnce: ReadonlySet<PropertyKey> = new Set(['childId', 'hasAcl'])
/** Answer with something that is to be called in turn. */
const handles: ReadonlySet<PropertyKey> = new Set(['open', 'stage'])
/** Are something to be called. */
const facets: ReadonlySet<PropertyKey> = new Set(['newContainers', 'directory'])

/** `fs` as a remote platform would answer: later, after a while of its own, and out of order. */
export const promisedFs: Connector = {
  ...fs,
  platform: 'promised_fs',
  name: 'File system behind promises',
  io: 'async',
  open: async (auth, host) => promised(await fs.open(auth), host?.limiter),
}

/** Of so many requests one is refused, because there are too many; 0: none. */
const oneInSoMany = Number(process.env['PROMISED_FS_THROTTLES'] ?? 0)
let requests = 0

/** What is asked happens in the middle of the wait: between asking and effect, and between effect and answer, others come. */
function later<T>(effect: () => T, limiter: Limiter | undefined): Promise<Awaited<T>> {
  const request = (): Promise<Awaited<T>> => answered(effect)
  return limiter ? limiter.run(request) : request()
}

async function answered<T>(effect: () => T): Promise<Awaited<T>> {
  const half = (latencyMs ?? Math.random() * jitterMs) / 2
  await sleep(half)
  if (oneInSoMany > 0 && ++requests % oneInSoMany === 0)
    throw new ConnectorError('Throttled', 'too many requests', { retryAfterMs: 20 })
  try {
    return await effect()
  } finally {
    await sleep(half)
  }
}

function promised<T extends object>(inner: T, limiter: Limiter | undefined): T {
  return new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (facets.has(key) && typeof value === 'object' && value !== null) return promised(value, limiter)
      if (typeof value !== 'function') return value
      const call = (args: unknown[]): unknown => Reflect.apply(value, target, args)
      if (atOnce.has(key)) return (...args: unknown[]) => call(args)
      if (key === 'list') return (...args: unknown[]) => pages(() => call(args) as ReturnType<Session['list']>, limiter)
      return async (...args: unknown[]) => {
        const answer = await later(() => call(args), limiter)
        return handles.has(key) ? promised(answer as object, limiter) : answer
      }
    },
  })
}

async function* pages(list: () => ReturnType<Session['list']>, limiter: Limiter | undefined): AsyncGenerator<Page> {
  const inner = await later(list, limiter)
  const walk = Symbol.asyncIterator in inner ? inner[Symbol.asyncIterator]() : inner[Symbol.iterator]()
  try {
    for (;;) {
      const next = await later(() => walk.next(), limiter)
      if (next.done) return
      yield next.value
    }
  } finally {
    await walk.return?.()
  }
}
