import type { Catalog } from '../catalog/catalog.ts'
import { openCatalog } from '../catalog/open.ts'
import { missingHome, openHome, type Home } from '../home/home.ts'
import { openKey } from '../home/key.ts'
import { OpenLedgers, type LedgerViews } from './ledger_views.ts'
import { Unacceptable } from '../problem.ts'

/** A home opened to look and to store: no server is needed for that. */
export interface OpenHome {
  readonly home: Home
  readonly catalog: Catalog
  readonly ledgers: LedgerViews
  close(): Promise<void>
}

/**
 * Opens a home's catalog and ledgers.
 *
 * @param path default: what the environment says, else `.stevedore` in the working directory
 * @param make whether a home is made where there is none
 * @throws HomeUnusable, KeyError, DatabaseUnusable; Unacceptable where there is no home, and none is to be made
 */
export async function openStevedoreHome(path?: string, { make = true } = {}): Promise<OpenHome> {
  const missing = make ? undefined : missingHome(path)
  if (missing !== undefined)
    throw new Unacceptable([
      { code: 'no_home', description: `there is no home at ${missing}: run, up and connection add make one` },
    ])
  const home = openHome(path)
  const catalog = openCatalog(home.catalog, openKey(home.key))
  const ledgers = new OpenLedgers(home)
  return {
    home,
    catalog,
    ledgers,
    async close() {
      ledgers.close()
      await catalog.close()
    },
  }
}
