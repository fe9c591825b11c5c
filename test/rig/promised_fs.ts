import { setTimeout as sleep } from 'node:timers/promises'
import type { Connector, Page, Session } from '../../src/connector/connector.ts'
import { fs } from '../../src/connector/fs/fs.ts'

/** A call takes between 0 and this long, in milliseconds; or exactly as long as `PROMISED_FS_MS` says. */
const jitterMs = 5
const latencyMs = process.env['PROMISED_FS_MS'] === undefined ? undefined : Number(process.env['PROMISED_FS_MS'])

/** Answered at once on every platform. */
const atOnce: ReadonlySet<PropertyKey> = new Set(['childId'])
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
  open: async (auth) => promised(await fs.open(auth)),
}

/** What is asked happens in the middle of the wait: between asking and effect, and between effect and answer, others come. */
async function later<T>(effect: () => T): Promise<Awaited<T>> {
  const half = (latencyMs ?? Math.random() * jitterMs) / 2
  await sleep(half)
  try {
    return await effect()
  } finally {
    await sleep(half)
  }
}

export function promised<T extends object>(inner: T): T {
  return new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (facets.has(key) && typeof value === 'object' && value !== null) return promised(value)
      if (typeof value !== 'function') return value
      const call = (args: unknown[]): unknown => Reflect.apply(value, target, args)
      if (atOnce.has(key)) return (...args: unknown[]) => call(args)
      if (key === 'list') return (...args: unknown[]) => pages(() => call(args) as ReturnType<Session['list']>)
      return async (...args: unknown[]) => {
        const answer = await later(() => call(args))
        return handles.has(key) ? promised(answer as object) : answer
      }
    },
  })
}

async function* pages(list: () => ReturnType<Session['list']>): AsyncGenerator<Page> {
  const inner = await later(list)
  const walk = Symbol.asyncIterator in inner ? inner[Symbol.asyncIterator]() : inner[Symbol.iterator]()
  try {
    for (;;) {
      const next = await later(() => walk.next())
      if (next.done) return
      yield next.value
    }
  } finally {
    await walk.return?.()
  }
}
