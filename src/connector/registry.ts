import type { Connector } from './connector.ts'
import { ConnectorError } from './errors.ts'
import { fs } from './fs/fs.ts'
import { owncloud } from './owncloud/owncloud.ts'
import { s3 } from './s3/s3.ts'
import { sftp } from './sftp/sftp.ts'
import { vault } from './vault/vault.ts'
import { webdav } from './webdav/webdav.ts'

const connectors = new Map<string, Connector>([fs, vault, s3, sftp, webdav, owncloud].map((c) => [c.platform, c]))
const byAlias: ReadonlyMap<string, Connector> = new Map(
  [...connectors.values()].flatMap((c) => (c.aliases ?? []).map((alias) => [alias, c] as const)),
)

export function platforms(): Connector[] {
  return [...connectors.values()]
}

export function platformIds(): string[] {
  return [...connectors.keys()]
}

export function isPlatform(id: string): boolean {
  return connectors.has(id) || byAlias.has(id)
}

/** For tests: one more platform, in this thread. */
export function addPlatform(connector: Connector): void {
  connectors.set(connector.platform, connector)
}

/** @throws ConnectorError `Misconfigured` naming the platforms there are */
export function connectorFor(platform: string): Connector {
  const connector = connectors.get(platform) ?? byAlias.get(platform)
  if (connector) return connector
  throw new ConnectorError(
    'Misconfigured',
    `platform ${JSON.stringify(platform)} is not one of ${platformIds().join(', ')}`,
  )
}
