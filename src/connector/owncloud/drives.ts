import { ConnectorError } from '../errors.ts'
import type { DavClient } from '../webdav/client.ts'
import type { OwncloudSettings } from './settings.ts'

interface Drive {
  id: string
  name: string
  driveAlias?: string
  driveType: string
}

/** The id of the space that a connection is about: its id, alias or name is said; else it is the account's own. */
export async function driveOf(client: DavClient, { url, space }: OwncloudSettings): Promise<string> {
  const path = `${url.pathname.replace(/\/$/, '')}/graph/v1.0/me/drives`
  const { text } = await client.text({ method: 'GET', path, headers: { accept: 'application/json' }, accept: [404] })
  const drives = drivesIn(text)
  const are = (key: keyof Drive, value: string): Drive[] => drives.filter((drive) => drive[key] === value)
  const wanted =
    space === undefined
      ? [are('driveType', 'personal')]
      : [are('id', space), are('driveAlias', space), are('name', space)]
  const found = wanted.find((some) => some.length > 0) ?? []
  if (found.length === 1) return found[0]!.id
  const known = drives.map(({ name, driveAlias = name }) => JSON.stringify(driveAlias)).join(', ')
  const why =
    found.length > 1
      ? `${JSON.stringify(space)} are several; give its alias or id`
      : `${space === undefined ? 'the account has none of its own' : `there is no ${JSON.stringify(space)}`}`
  throw new ConnectorError('Misconfigured', `space: ${why}; there are ${known || 'none'}`)
}

function drivesIn(text: string): Drive[] {
  try {
    const { value } = JSON.parse(text) as { value?: Drive[] }
    if (Array.isArray(value)) return value.filter(({ id }) => typeof id === 'string')
  } catch {
    // What is no JSON is no answer either.
  }
  throw new ConnectorError(
    'Misconfigured',
    'url: what answers there is no Infinite Scale; dialect says which server it is',
  )
}
