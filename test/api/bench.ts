import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { createApi } from '../../src/api/server.ts'
import type { Catalog } from '../../src/catalog/catalog.ts'
import { openCatalog } from '../../src/catalog/open.ts'
import { keyOf } from '../../src/home/key.ts'
import type { ApiParts } from '../../src/api/parts.ts'

export const token = 'of-a-home-in-a-test-and-long-enough'

/** The API on a real catalog in a folder of its own; workflows are stood in for by a list of the commands they got. */
export interface Bench {
  folder: string
  catalog: Catalog
  commands: string[]
  app: FastifyInstance
  /** One whose two roots there are. */
  aRealJob(change?: Record<string, unknown>): Wire
  call(method: Method, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  close(): Promise<void>
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE' | 'OPTIONS'

// Wire answers are what is tested: their shape is asserted, not assumed.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Wire = any

interface Answer {
  status: number
  headers: Record<string, unknown>
  json: Wire
}

export function openBench(parts: Partial<ApiParts> = {}, host?: string): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'stevedore-api-'))
  const catalog = openCatalog(join(folder, 'catalog.db'), keyOf(randomBytes(32)))
  const roots = { source: join(folder, 'old'), destination: join(folder, 'new') }
  const commands: string[] = []
  const heard = (command: string) => async (jobId: string) => {
    commands.push(`${command} ${jobId}`)
    return { execution: 1 }
  }
  const app = createApi(
    {
      catalog,
      commands: {
        start: heard('start'),
        pause: heard('pause'),
        resume: heard('resume'),
        cancel: heard('cancel'),
        ensure: heard('ensure'),
        approve: async (jobId, hash) => {
          commands.push(`approve ${jobId} ${hash}`)
          return { sentence: 'approved' }
        },
        repair: heard('repair'),
        stuck: async () => undefined,
      },
      ledgers: { open: () => undefined },
      deleteJob: async (jobId) => {
        commands.push(`delete ${jobId}`)
        await catalog.jobs.delete(jobId)
        return 'deleted'
      },
      ...parts,
    },
    { token, ...(host === undefined ? {} : { host }) },
  )
  return {
    folder,
    catalog,
    aRealJob: (change = {}) => {
      for (const root of Object.values(roots)) mkdirSync(root, { recursive: true })
      const side = (root: string): Wire => ({
        connection: { platform: { id: 'fs' }, auth: { root } },
        target: { path: '/' },
      })
      return aJob(change, { source: side(roots.source), destination: side(roots.destination) })
    },
    commands,
    app,
    async call(method, url, body, headers = {}) {
      const response = await app.inject({
        method,
        url,
        headers: {
          host: 'localhost:9090',
          authorization: `Bearer ${token}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined
          ? {}
          : { payload: typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
      })
      return { status: response.statusCode, headers: response.headers, json: response.json() }
    },
    async close() {
      await app.close()
      await catalog.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The smallest document that is whole. */
export function aJob(change: Record<string, unknown> = {}, transfer: Record<string, unknown> = {}): Wire {
  return {
    name: 'Share',
    kind: 'transfer',
    transfer: {
      transfer_type: 'copy',
      source: { connection: { platform: { id: 'fs' }, auth: { root: '/srv/old' } }, target: { path: '/a/b' } },
      destination: { connection: { platform: { id: 'fs' }, auth: { root: '/srv/new' } }, target: { path: '/' } },
      ...transfer,
    },
    ...change,
  }
}
