package bind

import (
	"encoding/json"
	"fmt"

	"github.com/heroiclabs/nakama-common/api"
	"github.com/heroiclabs/nakama-common/runtime"
)

var storages = []*Function{
	fn("storage_list", "user_id:string? collection:string= limit:int cursor:string= caller_id:uuid?", "objects cursor", listObjects).
		inJS("user_id:string? collection:string? limit:int=100 cursor:string= caller_id:uuid?"),
	fn("storage_read", "object_ids:list", "objects", func(c *Call) ([]any, error) {
		reads, err := each(c, "object_ids", readOf)
		if err != nil {
			return nil, err
		}
		all, err := c.NK.StorageRead(c.Ctx, reads)
		return rows(all, err, object)
	}),
	fn("storage_write", "data:list", "acks", func(c *Call) ([]any, error) {
		writes, err := each(c, "data", writeOf)
		if err != nil {
			return nil, err
		}
		acks, err := c.NK.StorageWrite(c.Ctx, writes)
		return failed("failed to write storage objects", []any{list(acks, ack)}, err)
	}),
	fn("storage_write_retry", "object_ids:list update_fn:func max_retries:int", "acks", writeRetry),
	fn("storage_delete", "object_ids:list", "", func(c *Call) ([]any, error) {
		deletes, err := each(c, "object_ids", deleteOf)
		if err != nil {
			return nil, err
		}
		return failed("failed to remove storage", nil, c.NK.StorageDelete(c.Ctx, deletes))
	}),
	fn("storage_index_list", "index:text query:string limit:int=100 order:strings caller_id:uuid? cursor:string=", "objects cursor", listIndex).
		inJS("index:text query:string limit:int=100 order:strings? caller_id:uuid? cursor:string="),
	fn("multi_update", "account_updates:list? storage_writes:list? storage_deletes:list? wallet_updates:list? update_ledger:bool=false",
		"storage_write_acks wallet_update_acks", multiUpdate),
}

func listObjects(c *Call) ([]any, error) {
	if c.Int("limit") < 0 {
		return nil, c.Wrong("limit", "expects limit to be >= 0")
	}
	all, next, err := c.NK.StorageList(c.Ctx, c.Str("caller_id"), c.Str("user_id"), c.Str("collection"), c.Int("limit"), c.Str("cursor"))
	return page(all, next, err, object)
}

func listIndex(c *Call) ([]any, error) {
	if err := c.between("limit", 1, 10000, "expects limit to be 1-10000"); err != nil {
		return nil, err
	}
	all, next, err := c.NK.StorageIndexList(c.Ctx, c.Str("caller_id"), c.Str("index"), c.Str("query"), c.Int("limit"), c.Strings("order"), c.Str("cursor"))
	return page(all.GetObjects(), next, err, object)
}

// writeRetry lets the script make its writes of what it is shown, again and again while others write as well.
func writeRetry(c *Call) ([]any, error) {
	reads, err := each(c, "object_ids", readOf)
	if err == nil {
		err = c.between("max_retries", 0, 10, "expects max retries to be 0-10")
	}
	if err != nil {
		return nil, err
	}
	acks, err := c.NK.StorageWriteRetry(c.Ctx, reads, func(now []*api.StorageObject) ([]*runtime.StorageWrite, error) {
		out, err := c.Func("update_fn")(c.Ctx, list(now, object))
		if err != nil {
			return nil, err
		}
		written := Call{Host: c.Host, Ctx: c.Ctx, Lang: c.Lang, params: parseParams("data:list")}
		checked, wrong := written.params[0].check(out, c.Lang)
		if wrong != "" {
			return nil, fmt.Errorf("update function: %s", wrong)
		}
		written.args = []any{checked}
		return each(&written, "data", writeOf)
	}, c.Int("max_retries"))
	return []any{list(acks, ack)}, err
}

func multiUpdate(c *Call) ([]any, error) {
	updates, err := each(c, "account_updates", func(r *Row) *runtime.AccountUpdate {
		return &runtime.AccountUpdate{
			UserID: r.Str("user_id", "uuid"), Username: r.Str("username", "string?"), Metadata: r.Object("metadata", "object?"),
			DisplayName: r.Str("display_name", "string?"), Timezone: r.Str("timezone", "string?"), Location: r.Str("location", "string?"),
			LangTag: r.Str("lang_tag", "string?"), AvatarUrl: r.Str("avatar_url", "string?"),
		}
	})
	if err != nil {
		return nil, err
	}
	writes, err := each(c, "storage_writes", writeOf)
	if err != nil {
		return nil, err
	}
	deletes, err := each(c, "storage_deletes", deleteOf)
	if err != nil {
		return nil, err
	}
	changes, err := each(c, "wallet_updates", changeOf)
	if err != nil {
		return nil, err
	}
	acks, results, err := c.NK.MultiUpdate(c.Ctx, updates, writes, deletes, changes, c.Bool("update_ledger"))
	return failed("error running multi update", []any{list(acks, ack), list(results, walletResult)}, err)
}

func readOf(r *Row) *runtime.StorageRead {
	return &runtime.StorageRead{Collection: r.Str("collection", "text"), Key: r.Str("key", "text"), UserID: r.Str("user_id", "uuid?")}
}

func deleteOf(r *Row) *runtime.StorageDelete {
	return &runtime.StorageDelete{
		Collection: r.Str("collection", "text"), Key: r.Str("key", "text"), UserID: r.Str("user_id", "uuid?"), Version: r.Str("version", "text?"),
	}
}

func writeOf(r *Row) *runtime.StorageWrite {
	w := &runtime.StorageWrite{
		Collection: r.Str("collection", "text"), Key: r.Str("key", "text"), UserID: r.Str("user_id", "uuid?"), Version: r.Str("version", "string?"),
		PermissionRead: int(r.IntOr("permission_read", 1)), PermissionWrite: int(r.IntOr("permission_write", 1)),
	}
	value, err := json.Marshal(r.Object("value", "object"))
	if err != nil && r.Err == nil {
		r.Err = r.c.Wrong(r.of, "error encoding value: "+err.Error())
	}
	w.Value = string(value)
	return w
}

func object(o *api.StorageObject) *Object {
	return new(Object).Add("key", o.Key).Add("collection", o.Collection).Add("user_id", owner(o.UserId)).Add("version", o.Version).
		Add("permission_read", int64(o.PermissionRead)).Add("permission_write", int64(o.PermissionWrite)).
		Add("create_time", unix(o.CreateTime)).Add("update_time", unix(o.UpdateTime)).Add("value", jsonValue(o.Value))
}

func ack(a *api.StorageObjectAck) *Object {
	return new(Object).Add("key", a.Key).Add("collection", a.Collection).Add("user_id", owner(a.UserId)).Add("version", a.Version)
}

// owner is a user id; the system's is all zeroes.
func owner(userID string) string {
	if userID == "" {
		return "00000000-0000-0000-0000-000000000000"
	}
	return userID
}

var wallets = []*Function{
	fn("wallet_update", "user_id:uuid changeset:object metadata:object? update_ledger:bool=false", "updated previous", func(c *Call) ([]any, error) {
		set, wrong := changeset(c.Object("changeset"))
		if wrong != "" {
			return nil, c.Wrong("changeset", wrong)
		}
		updated, previous, err := c.NK.WalletUpdate(c.Ctx, c.Str("user_id"), set, c.Object("metadata"), c.Bool("update_ledger"))
		return []any{amounts(updated), amounts(previous)}, err
	}),
	fn("wallets_update", "updates:list update_ledger:bool=false", "results", func(c *Call) ([]any, error) {
		changes, err := each(c, "updates", changeOf)
		if err != nil {
			return nil, err
		}
		results, err := c.NK.WalletsUpdate(c.Ctx, changes, c.Bool("update_ledger"))
		return rows(results, err, walletResult)
	}),
	fn("wallet_ledger_update", "item_id:uuid metadata:object", "item", func(c *Call) ([]any, error) {
		item, err := c.NK.WalletLedgerUpdate(c.Ctx, c.Str("item_id"), c.Object("metadata"))
		if err != nil {
			return nil, err
		}
		o := ledgerItem(item)
		if c.Lang == JavaScript { // which shows the metadata as the change, and none
			o.Members[4].Value, o.Members[5].Value = item.GetMetadata(), nil
		}
		return []any{o}, nil
	}),
	fn("wallet_ledger_list", "user_id:uuid limit:int=100 cursor:string=", "items cursor", func(c *Call) ([]any, error) {
		if err := c.between("limit", 0, 100, "expects limit to be 0-100"); err != nil {
			return nil, err
		}
		items, next, err := c.NK.WalletLedgerList(c.Ctx, c.Str("user_id"), c.Int("limit"), c.Str("cursor"))
		after := cursor(next)
		if c.Lang == Lua {
			after = next
		}
		return []any{list(items, ledgerItem), after}, err
	}),
}

// changeset takes the amounts of a wallet's change; wrong says why it cannot.
func changeset(m map[string]any) (set map[string]int64, wrong string) {
	set = make(map[string]int64, len(m))
	whole := param{name: "changeset", kind: isInt}
	for k, v := range m {
		if f, ok := v.(float64); ok && f != float64(int64(f)) {
			return nil, "expects changeset values to be whole numbers"
		}
		n, bad := whole.check(v, JavaScript)
		if bad != "" {
			return nil, "expects changeset values to be whole numbers"
		}
		set[k] = n.(int64)
	}
	return set, ""
}

func changeOf(r *Row) *runtime.WalletUpdate {
	u := &runtime.WalletUpdate{UserID: r.Str("user_id", "uuid"), Metadata: r.Object("metadata", "object?")}
	set, wrong := changeset(r.Object("changeset", "object"))
	if wrong != "" && r.Err == nil {
		r.Err = r.c.Wrong(r.of, wrong)
	}
	u.Changeset = set
	return u
}

func amounts(m map[string]int64) any {
	if m == nil {
		return nil
	}
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

func walletResult(r *runtime.WalletUpdateResult) *Object {
	return new(Object).Add("user_id", r.UserID).Add("updated", amounts(r.Updated)).Add("previous", amounts(r.Previous))
}

func ledgerItem(i runtime.WalletLedgerItem) *Object {
	return new(Object).Add("id", i.GetID()).Add("user_id", i.GetUserID()).Add("create_time", i.GetCreateTime()).
		Add("update_time", i.GetUpdateTime()).Add("changeset", amounts(i.GetChangeset())).Add("metadata", i.GetMetadata())
}
