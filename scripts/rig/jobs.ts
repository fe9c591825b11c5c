import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './processes.ts'
import type { Rest } from './rest.ts'

export interface Ends {
  name: string
  source: string
  destination: string
  /** Path at the destination. */
  target?: string | undefined
  /** Of both sides; `fs` when not given. */
  platform?: string | undefined
}

/** A copy with nothing set that has a default, connections inline. @param transfer keys of `transfer` that differ */
export function copyJob(
  { name, source, destination, target = '', platform = 'fs' }: Ends,
  transfer: object = {},
): object {
  return {
    name,
    kind: 'transfer',
    transfer: {
      transfer_type: 'copy',
      source: { connection: connection(source, platform), target: { path: '/' } },
      destination: { connection: connection(destination, platform), target: { path: `/${target}` } },
      ...transfer,
    },
    schedule: { mode: 'manual' },
  }
}

function connection(root: string, platform = 'fs'): object {
  // This machine's accounts are nobody else's: a file system has no way to become a person by e-mail address.
  return { platform: { id: platform }, auth: { root, impersonation: 'ignore' } }
}

/** The job of the demo with its placeholders filled: audit `trace`, permissions, owners, maps and filters. */
export async function allFeaturesJob({ name, source, destination }: Ends, rest: Rest): Promise<object> {
  const connections = {
    source: await rest.createConnection(connection(source)),
    destination: await rest.createConnection(connection(destination)),
  }
  const map = {
    source: { connection: { id: connections.source } },
    destination: { connection: { id: connections.destination } },
    map_by: { default: true },
    unmapped_policy: 'warn',
  }
  const filled: Record<string, string> = {
    cloud_connection_source: connections.source,
    cloud_connection_destination: connections.destination,
    account_map_id: await rest.createMap('account_map', { ...map, name: `accounts of ${name}`, type: 'account_map' }),
    group_map_id: await rest.createMap('group_map', { ...map, name: `groups of ${name}`, type: 'group_map' }),
  }
  const text = readFileSync(join(projectRoot, 'scripts/demo/all-features.json'), 'utf8')
    .replace(/\{\{(\w+)\}\}/g, (_placeholder, key: string) => filled[key] ?? '')
    .replace(/"\/(?:source|destination)Path"/g, '"/"')
  const document = JSON.parse(text) as { stop_policy: object }
  // The demo is complete after five runs that find nothing to do; whoever measures runs it oftener.
  return { ...document, name, stop_policy: { ...document.stop_policy, on_success: 1_000, on_execute: 1_000 } }
}
