import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from '@temporalio/client'
import { msToTs } from '@temporalio/common/lib/time.js'
import { attributes } from '../../workflows/search_attributes.ts'
import { cancellable } from './connect.ts'
import { onceThere } from './once_there.ts'

const retentionSeconds = 30 * 24 * 3_600
/** `INDEXED_VALUE_TYPE_KEYWORD` of Temporal's API. */
const keyword = 2
const readyMs = 60_000

export interface PrepareOptions {
  /** The server is the embedded one. */
  ours: boolean
  /** Calls it off. */
  signal?: AbortSignal | undefined
}

/**
 * Our own namespace, with 30 days' retention and our search attributes. On somebody else's server it is made when we may
 * make it; what is there already is only completed, and its retention left alone.
 *
 * @throws Error that says what an administrator has to do; the signal's reason when it was called off
 */
export async function prepareNamespace(
  connection: Connection,
  namespace: string,
  { ours, signal }: PrepareOptions,
): Promise<void> {
  await cancellable(connection, signal, () => prepare(connection, namespace, { ours, signal }))
}

async function prepare(connection: Connection, namespace: string, { ours, signal }: PrepareOptions): Promise<void> {
  const retention = { workflowExecutionRetentionTtl: msToTs(retentionSeconds * 1_000) }
  const known = await ready(connection, namespace, { wait: ours, signal })
  if (!known) {
    await allowed(`temporal operator namespace create --retention 30d -n ${namespace}`, () =>
      connection.workflowService.registerNamespace({
        namespace,
        description: 'Content migrations by Stevedore',
        workflowExecutionRetentionPeriod: retention.workflowExecutionRetentionTtl,
      }),
    )
    await until(
      `namespace ${namespace}`,
      async () => (await ready(connection, namespace, { wait: false })) !== undefined,
    )
  } else if (ours && known !== retentionSeconds) {
    await connection.workflowService.updateNamespace({ namespace, config: retention })
  }
  await prepareAttributes(connection, namespace)
}

/** Retention in seconds; undefined when there is no such namespace. */
async function ready(
  connection: Connection,
  namespace: string,
  { wait, signal }: { wait: boolean; signal?: AbortSignal | undefined },
): Promise<number | undefined> {
  const deadline = Date.now() + readyMs
  for (;;) {
    try {
      const { config } = await connection.workflowService.describeNamespace({ namespace })
      return Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0)
    } catch (error) {
      const missing = (error as { code?: number }).code === 5
      if (!wait && missing) return undefined
      // The port opens a moment before the services behind it answer.
      if (!wait || signal?.aborted || Date.now() > deadline) throw error
      await sleep(20)
    }
  }
}

async function prepareAttributes(connection: Connection, namespace: string): Promise<void> {
  const missing = async (): Promise<string[]> => {
    const { customAttributes } = await onceThere(() => connection.operatorService.listSearchAttributes({ namespace }), {
      ms: readyMs,
    })
    return Object.values(attributes)
      .map(({ name }) => name)
      .filter((name) => customAttributes?.[name] === undefined)
  }
  const names = await missing()
  if (names.length === 0) return
  const command = names.map((name) => `--name ${name} --type Keyword`).join(' ')
  await allowed(`temporal operator search-attribute create -n ${namespace} ${command}`, () =>
    connection.operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(names.map((name) => [name, keyword])),
    }),
  )
  await until('the search attributes', async () => (await missing()).length === 0)
}

async function allowed(command: string, attempt: () => Promise<unknown>): Promise<void> {
  try {
    await attempt()
  } catch (error) {
    const { code, details } = error as { code?: number; details?: string }
    if (code === 6) return
    throw new Error(
      `the Temporal server refused (${details ?? String(error)}); somebody who may has to run once: ${command}`,
      { cause: error },
    )
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + readyMs
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`${what}: made, but not there after ${readyMs / 1_000} s`)
    await sleep(100)
  }
}
