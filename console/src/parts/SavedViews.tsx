// Saved views of a screen, one's own and shared: a name for what the URL says.
import { ActionIcon, Button, Checkbox, Group, Modal, Popover, Text, TextInput, Tooltip, UnstyledButton } from "@mantine/core";
import { IconBookmark, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, ok, type Schemas, withEtag } from "@/api/client";
import { faultAt } from "@/api/problems";
import { useMay, useWrite } from "@/api/queries";
import { parseSearch } from "@/frame/url";
import { ActionButton } from "./Actions";
import css from "./parts.module.css";
import { Loading, Problem } from "./Says";

type View = Schemas["ViewShown"];

interface Props {
  /** The screen's name at the API: "fleet". */
  screen: string;
  /** Its address: "/fleet". */
  to: string;
  /** The URL's search as it is now, without the question mark and without what no view should keep. */
  search: string;
}

const SHARING = "findings.write"; // what the API asks for of whoever shares

export function SavedViews({ screen, to, search }: Props) {
  const navigate = useNavigate();
  const [opened, setOpened] = useState(false);
  const [saving, setSaving] = useState(false);
  const views = useQuery({ queryKey: ["views", screen], queryFn: () => ok(api.GET("/v1/views", { params: { query: { screen } } })), staleTime: 60_000 });
  const mayNotShare = useMay(SHARING);
  const remove = useWrite<View, unknown>({
    send: (view, key) => ok(api.DELETE("/v1/views/{screen}/{name}", { params: { path: { screen, name: view.name }, query: { shared: view.shared } }, headers: { "Idempotency-Key": key } })),
    touches: ["views"],
    done: (_, view) => `“${view.name}” is removed`,
  });
  const here = views.data?.find((view) => view.search === search && search !== "");
  const own = views.data?.filter((view) => !view.shared) ?? [];
  const shared = views.data?.filter((view) => view.shared) ?? [];
  const items = (title: string, list: View[]) =>
    list.length > 0 && (
      <section aria-label={title}>
        <Text size="xs" c="dimmed" fw={600} px={8} pt={6} pb={2}>
          {title}
        </Text>
        <ul className={css.views}>
          {list.map((view) => {
            const reason = view.shared ? mayNotShare : undefined;
            return (
              <li key={view.name} data-here={view === here || undefined}>
                <UnstyledButton
                  className={css.view}
                  aria-current={view === here ? "true" : undefined}
                  onClick={() => {
                    setOpened(false);
                    void navigate({ to, search: parseSearch(view.search) as never });
                  }}
                >
                  {view.name}
                </UnstyledButton>
                <Tooltip label={reason ?? `Remove “${view.name}”`}>
                  <ActionIcon variant="subtle" color="gray" size="sm" aria-label={`Remove the view ${view.name}`} aria-disabled={reason ? true : undefined} data-disabled={reason ? true : undefined} onClick={() => !reason && remove.mutate(view)}>
                    <IconTrash size={13} />
                  </ActionIcon>
                </Tooltip>
              </li>
            );
          })}
        </ul>
      </section>
    );
  return (
    <>
      <Popover opened={opened} onChange={setOpened} position="bottom-end" width={280} trapFocus returnFocus shadow="md" withRoles={false}>
        <Popover.Target>
          <Button variant="default" leftSection={<IconBookmark size={14} aria-hidden />} aria-expanded={opened} onClick={() => setOpened(!opened)}>
            {here ? here.name : "Views"}
          </Button>
        </Popover.Target>
        <Popover.Dropdown p={4} mah="28rem" style={{ overflowY: "auto" }}>
          {views.isPending && <Loading what="Reading views" />}
          {views.error && <Problem error={views.error} />}
          {items("Mine", own)}
          {items("Shared", shared)}
          {views.data?.length === 0 && (
            <Text size="sm" c="dimmed" p={8}>
              No view is saved yet. One is a name for filters, to come back to or to share.
            </Text>
          )}
          <div style={{ padding: 8 }}>
            <ActionButton
              size="xs"
              fullWidth
              reason={search === "" ? "set a filter first: a view is a name for filters" : undefined}
              onClick={() => {
                setOpened(false);
                setSaving(true);
              }}
            >
              Save this view…
            </ActionButton>
          </div>
        </Popover.Dropdown>
      </Popover>
      <Modal opened={saving} onClose={() => setSaving(false)} title={<Text fw={600}>Save this view</Text>} size="sm">
        {saving && <Save screen={screen} search={search} known={views.data ?? []} mayNotShare={mayNotShare} onDone={() => setSaving(false)} />}
      </Modal>
    </>
  );
}

function Save({ screen, search, known, mayNotShare, onDone }: { screen: string; search: string; known: View[]; mayNotShare: string | undefined; onDone: () => void }) {
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const taken = known.find((view) => view.name === name.trim() && view.shared === shared);
  const save = useWrite<void, View>({
    send: async (_, key) => {
      const path = { screen, name: name.trim() };
      const etag = taken ? (await withEtag(api.GET("/v1/views/{screen}/{name}", { params: { path, query: { shared } } }))).etag : undefined;
      return ok(api.PUT("/v1/views/{screen}/{name}", { params: { path }, headers: { ...(etag ? { "If-Match": etag } : {}), "Idempotency-Key": key }, body: { search, shared } }));
    },
    touches: ["views"],
    done: (view) => `Saved as “${view.name}”${view.shared ? ", for everybody" : ""}`,
    tellProblem: false,
  });
  return (
    <form
      className="fl-stack"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim()) save.mutate(undefined, { onSuccess: onDone });
      }}
    >
      <TextInput label="Name" value={name} maxLength={64} onChange={(event) => setName(event.currentTarget.value)} error={faultAt(save.error, "/name") ?? faultAt(save.error, "name")} autoComplete="off" data-autofocus />
      <Checkbox size="sm" label="For everybody" description={mayNotShare ?? "Shared views are seen by all who see the fleet, and leave a journal line"} disabled={mayNotShare !== undefined} checked={shared} onChange={(event) => setShared(event.currentTarget.checked)} />
      {save.error && <Problem error={save.error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onDone}>
          Leave it
        </Button>
        <ActionButton type="submit" variant="filled" reason={name.trim() ? undefined : "give it a name"} loading={save.isPending}>
          {taken ? "Replace the one of that name" : "Save"}
        </ActionButton>
      </Group>
    </form>
  );
}
