import type { Connector } from './connector.ts'
import { ConnectorError } from './errors.ts'
import { fs } from './fs/fs.ts'
import { sftp } from './sftp/sftp.ts'
import { vault } from './vault/vault.ts'

const connectors: ReadonlyMap<string, Connector> = new Map([fs, vault, sftp].map((c) => [c.platform, c]))

export function platforms(): Connector[] {
  return [...connectors.values()]
}

export function platformIds(): string[] {
  return [...connectors.keys()]
}

export function isPlatform(id: string): boolean {
  return connectors.has(id)
}

/** @throws ConnectorError `Misconfigured` naming the platforms there are */
export function connectorFor(platform: string): Connector {
  const connector = connectors.get(platform)
  if (connector) return connector
  throw new ConnectorError(
    'Misconfigured',
    `platform ${JSON.stringify(platform)} is not one of ${platformIds().join(', ')}`,
  )
}
