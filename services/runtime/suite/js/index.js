import { areas } from "./check.js";
import * as account from "./area/account.js";
import * as encoding from "./area/encoding.js";
import * as people from "./area/people.js";

export default function InitModule(ctx, logger, nk, initializer) {
  areas(initializer, { ...encoding, ...account, ...people });
}
