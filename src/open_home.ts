import { openCatalog } from './catalog/open.ts'
import { openHome } from './home/home.ts'
import { openKey } from './home/key.ts'
import { OpenLedgers } from './ledger_views.ts'
import type { OpenHome } from './stevedore.ts'

/**
 * Opens a home's catalog and ledgers, making the home if there is none.
 *
 * @param path default: what the environment says, else `.stevedore` in the working directory
 * @throws HomeUnusable, KeyError, DatabaseUnusable
 */
export async function openStevedoreHome(path?: string): Promise<OpenHome> {
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
