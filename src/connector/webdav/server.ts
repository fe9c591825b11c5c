import { ConnectorError } from '../errors.ts'
import type { Addresses } from './addresses.ts'
import type { DavClient, Headers } from './client.ts'
import type { WebdavSettings } from './settings.ts'

/**
 * What a server is known for, as far as it matters to writing.
 *
 * `apache`: mod_dav_fs. A PUT appears whole or not at all, takes ranges, and conditions are kept to in one step.
 * `svn`: mod_dav_svn. What is written is committed.
 * `other`: what a PUT that breaks off leaves is not known.
 */
export type Server = { kind: 'apache' } | { kind: 'other' } | { kind: 'svn'; repository: Repository }

/** Addresses below which a repository has what is not in the tree; encoded, without a slash at their end. */
export interface Repository {
  root: string
  me: string
  transaction: string
  transactionRoot: string
}

const activities = '<?xml version="1.0"?><D:options xmlns:D="DAV:"><D:activity-collection-set/></D:options>'

/** @throws ConnectorError `Misconfigured` when it is not what the connection takes it for */
export async function serverAt(
  client: DavClient,
  addresses: Addresses,
  { profile }: Pick<WebdavSettings, 'profile'>,
): Promise<Server> {
  const { headers } = await client.headers({
    method: 'OPTIONS',
    path: addresses.path(''),
    headers: { 'content-type': 'text/xml' },
    ...(profile === 'svn' ? { body: Buffer.from(activities) } : {}),
    // Tells no more than what follows will.
    accept: [400, 404, 405, 501],
  })
  const dav = [headers['dav'] ?? []].flat().join(', ')
  const isSubversion = dav.includes('subversion.tigris.org')
  if (profile === 'svn') {
    const at = (name: string): string =>
      headers[name] ?? misconfigured('profile: this is no Subversion repository that takes commits over HTTP')
    return {
      kind: 'svn',
      repository: {
        root: at('svn-repository-root').replace(/\/$/, ''),
        me: at('svn-me-resource'),
        transaction: at('svn-vtxn-stub'),
        transactionRoot: at('svn-vtxn-root-stub'),
      },
    }
  }
  // What is renamed onto a file of its would be gone, and the file too.
  if (isSubversion) misconfigured('profile: this is a Subversion repository; say svn')
  return { kind: dav.includes('<http://apache.org/dav/propset/fs/1>') ? 'apache' : 'other' }
}

/** Requests on condition that `version` is still there; other servers look at `If` in ways of their own, if at all. */
export function ifMatches({ kind }: Server, url: string, version: string): Headers {
  // Unlike If-Match, which never holds for what was written within the last second.
  return kind === 'apache' ? { if: `<${url}> (["${version}"])` } : { 'if-match': `"${version}"` }
}

function misconfigured(why: string): never {
  throw new ConnectorError('Misconfigured', why)
}
