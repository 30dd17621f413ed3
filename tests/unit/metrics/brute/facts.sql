-- What events count as, by the definitions of docs/metrics.md, from the table `log`:
--   pos (place in the log), uid, subject, source, type, us (microseconds), data (JSON).
-- Left: `facts`: kind, us, subject, channel, store, rule, team, name, x, y; and `people`: subject, segment, tier.

CREATE TABLE heard AS
SELECT * FROM log QUALIFY row_number() OVER (PARTITION BY uid ORDER BY pos) = 1;

CREATE TABLE people AS
WITH segments AS (
    SELECT subject, arg_max(data->>'segment', (us, pos)) AS segment
    FROM heard
    WHERE type IN ('rapport.customer.registered.v1', 'rapport.customer.updated.v1')
      AND json_exists(data, '$.segment')
      AND data->>'segment' IS NOT NULL
    GROUP BY subject
), cleared AS (
    SELECT subject, max((us, pos)) AS last, max((us, pos)) FILTER (data->>'segment' IS NOT NULL) AS named
    FROM heard
    WHERE type IN ('rapport.customer.registered.v1', 'rapport.customer.updated.v1')
      AND json_exists(data, '$.segment')
    GROUP BY subject
), tiers AS (
    SELECT subject, arg_max(coalesce(data->>'to', data->>'tier'), pos) AS tier
    FROM heard
    WHERE type = 'rapport.tier.changed.v1'
       OR (type = 'rapport.member.enrolled.v1' AND source = '/rapport/loyalty' AND data->>'tier' IS NOT NULL)
    GROUP BY subject
)
SELECT subject,
       CASE WHEN cleared.last = cleared.named THEN segments.segment ELSE '' END AS segment,
       coalesce(tiers.tier, '') AS tier
FROM (SELECT DISTINCT subject FROM heard)
LEFT JOIN segments USING (subject) LEFT JOIN cleared USING (subject) LEFT JOIN tiers USING (subject);

-- Orders: the first account in the log holds; what came back of them, in the order of the log.
CREATE TABLE bought AS
SELECT subject, data->>'order_id' AS id, us, data->>'channel' AS channel, coalesce(data->>'store_id', '') AS store,
       (data->>'$.total.amount')::BIGINT AS amount, data->>'$.total.currency' AS currency,
       json_array_length(data->'items') AS lines
FROM heard WHERE type = 'rapport.purchase.made.v1'
QUALIFY row_number() OVER (PARTITION BY subject, id ORDER BY pos) = 1;

CREATE TABLE orders AS
WITH RECURSIVE told AS (
    SELECT b.subject, b.id, h.data->>'return_id' AS return_id, (h.data->>'$.refund.amount')::BIGINT AS refund,
           h.data->>'$.refund.currency' = b.currency AS same,
           greatest(1, CASE WHEN coalesce(json_array_length(h.data->'items'), 0) > 0
                            THEN json_array_length(h.data->'items') ELSE b.lines END) AS slack,
           row_number() OVER (PARTITION BY b.subject, b.id ORDER BY h.pos) AS k
    FROM heard h JOIN bought b ON h.subject = b.subject AND h.data->>'order_id' = b.id
    WHERE h.type = 'rapport.purchase.returned.v1'
), walk AS (
    SELECT subject, id, 0::BIGINT AS k, amount AS rest, []::VARCHAR[] AS done FROM bought
    UNION ALL
    SELECT w.subject, w.id, t.k,
           CASE WHEN takes THEN greatest(0, w.rest - t.refund) ELSE w.rest END,
           CASE WHEN takes THEN list_append(w.done, t.return_id) ELSE w.done END
    FROM walk w JOIN told t ON t.subject = w.subject AND t.id = w.id AND t.k = w.k + 1,
    LATERAL (SELECT t.same AND NOT list_contains(w.done, t.return_id) AND t.refund - w.rest <= CASE
             WHEN t.refund <= w.rest THEN 0 ELSE t.slack END AS takes)
)
SELECT b.*, w.rest FROM bought b
JOIN (SELECT subject, id, arg_max(rest, k) AS rest FROM walk GROUP BY subject, id) w USING (subject, id);

CREATE VIEW counted_orders AS SELECT * FROM orders WHERE amount = 0 OR rest > 0;

-- Conversations: where each began, which team was asked last, who had it.
CREATE TABLE turns AS
SELECT DISTINCT subject, data->>'conversation_id' AS conversation, us,
       CASE WHEN data->>'direction' = 'inbound' THEN 'wrote' ELSE 'answered' END AS kind
FROM heard WHERE type = 'rapport.interaction.logged.v1' AND data->>'conversation_id' IS NOT NULL
  AND CASE WHEN data->>'direction' = 'inbound' THEN coalesce(data->>'author', 'customer') = 'customer'
      ELSE data->>'author' = 'agent' END;

CREATE TABLE hands AS
SELECT DISTINCT subject, data->>'conversation_id' AS conversation, us,
       type = 'rapport.conversation.assigned.v1' AS taken
FROM heard WHERE type IN ('rapport.conversation.assigned.v1', 'rapport.conversation.returned.v1',
                          'rapport.conversation.closed.v1');

CREATE TABLE talks AS
WITH began AS (
    SELECT subject, data->>'conversation_id' AS conversation, arg_min(data->>'channel', (us, data->>'channel')) AS channel
    FROM heard WHERE type = 'rapport.interaction.logged.v1' AND data->>'conversation_id' IS NOT NULL GROUP BY ALL
), asked AS (
    SELECT subject, data->>'conversation_id' AS conversation, arg_max(data->>'team', (us, data->>'team')) AS team
    FROM heard WHERE type IN ('rapport.conversation.escalated.v1', 'rapport.conversation.assigned.v1')
      AND data->>'team' IS NOT NULL GROUP BY ALL
), all_of AS (
    SELECT subject, conversation FROM began UNION SELECT subject, conversation FROM asked
    UNION SELECT subject, conversation FROM hands
)
SELECT subject, conversation, coalesce(channel, '') AS channel, coalesce(team, '') AS team
FROM all_of LEFT JOIN began USING (subject, conversation) LEFT JOIN asked USING (subject, conversation);

-- Complaints: of their openings the first in the log; of their steps those that follow from the status before.
CREATE TABLE opened AS
SELECT subject, data->>'complaint_id' AS id, us, data->>'channel' AS channel,
       coalesce(data->>'conversation_id', '') AS conversation
FROM heard WHERE type = 'rapport.complaint.opened.v1'
QUALIFY row_number() OVER (PARTITION BY subject, id ORDER BY pos) = 1;

CREATE TABLE complaints AS
SELECT o.*, coalesce(t.team, '') AS team
FROM opened o LEFT JOIN talks t ON t.subject = o.subject AND t.conversation = o.conversation;

CREATE TABLE follows (kind VARCHAR, place INT, follows VARCHAR[], becomes VARCHAR);
INSERT INTO follows VALUES
    ('acknowledged', 1, ['opened', 'reopened'], 'acknowledged'),
    ('updated', 2, ['opened', 'acknowledged', 'reopened', 'resolved'], NULL),
    ('resolved', 3, ['opened', 'acknowledged', 'reopened'], 'resolved'),
    ('closed', 4, ['resolved'], 'closed'),
    ('reopened', 5, ['resolved', 'closed'], 'reopened');

CREATE TABLE steps AS
WITH RECURSIVE told AS (
    SELECT c.subject, c.id, h.us, f.kind, f.follows, f.becomes, h.data->>'root_cause' AS cause,
           row_number() OVER (PARTITION BY c.subject, c.id ORDER BY h.us, f.place) AS k
    FROM (
        SELECT *, regexp_extract(type, '^rapport\.complaint\.(\w+)\.v1$', 1) AS kind FROM heard
        QUALIFY row_number() OVER (PARTITION BY subject, data->>'complaint_id', us, kind ORDER BY pos) = 1
    ) h JOIN follows f USING (kind)
    JOIN complaints c ON c.subject = h.subject AND c.id = h.data->>'complaint_id'
), walk AS (
    SELECT subject, id, 0::BIGINT AS k, us, 'opened' AS kind, 'opened' AS status, TRUE AS taken, NULL::VARCHAR AS cause
    FROM complaints
    UNION ALL
    SELECT t.subject, t.id, t.k, t.us, t.kind,
           CASE WHEN list_contains(t.follows, w.status) THEN coalesce(t.becomes, w.status) ELSE w.status END,
           list_contains(t.follows, w.status), t.cause
    FROM walk w JOIN told t ON t.subject = w.subject AND t.id = w.id AND t.k = w.k + 1
)
SELECT w.subject, w.id, w.k, greatest(w.us, c.us) AS us, w.kind, w.cause
FROM walk w JOIN complaints c USING (subject, id) WHERE w.taken;

-- How they were answered: steps and what was said in their conversations, one after another.
CREATE TABLE life AS
WITH RECURSIVE happened AS (
    SELECT subject, id, us, kind, row_number() OVER (
        PARTITION BY subject, id
        ORDER BY us, CASE kind WHEN 'opened' THEN 0 WHEN 'wrote' THEN 1 WHEN 'answered' THEN 2 ELSE 3 END, k
    ) AS n FROM (
        SELECT subject, id, us, kind, k FROM steps
        UNION ALL
        SELECT c.subject, c.id, t.us, t.kind, 0 FROM complaints c
        JOIN turns t ON t.subject = c.subject AND t.conversation = c.conversation AND t.us >= c.us
    )
), walk AS (
    SELECT subject, id, n, us, kind, us AS began, us AS since, 0::BIGINT AS took, NULL::BIGINT AS responded,
           NULL::BIGINT AS waits, 1 AS opens, NULL::BIGINT AS first_s, NULL::BIGINT AS next_s
    FROM happened WHERE n = 1
    UNION ALL
    SELECT h.subject, h.id, h.n, h.us, h.kind, w.began,
           CASE WHEN again THEN h.us WHEN solves THEN NULL ELSE w.since END,
           CASE WHEN solves THEN w.took + h.us - w.since ELSE w.took END,
           CASE WHEN answers THEN coalesce(w.responded, h.us) ELSE w.responded END,
           CASE WHEN again THEN h.us WHEN answers THEN NULL
                WHEN asks AND w.responded IS NOT NULL THEN coalesce(w.waits, h.us) ELSE w.waits END,
           CASE WHEN again THEN 1 WHEN solves THEN -1 ELSE 0 END,
           CASE WHEN answers AND w.responded IS NULL THEN h.us - w.began END,
           CASE WHEN answers THEN h.us - w.waits END
    FROM walk w JOIN happened h ON h.subject = w.subject AND h.id = w.id AND h.n = w.n + 1,
    LATERAL (SELECT h.kind = 'reopened' AS again,
                    w.since IS NOT NULL AND h.kind = 'resolved' AS solves,
                    w.since IS NOT NULL AND h.kind = 'wrote' AS asks,
                    w.since IS NOT NULL AND h.kind IN ('acknowledged', 'updated', 'resolved', 'answered') AS answers)
)
SELECT * FROM walk;

CREATE TABLE solved AS
SELECT subject, id, min(us) FILTER (kind = 'resolved') AS first, bool_or(kind = 'reopened') AS again,
       CASE WHEN arg_max(kind, k) FILTER (kind IN ('resolved', 'reopened')) = 'resolved'
            THEN max(k) FILTER (kind = 'resolved') END AS holds
FROM steps GROUP BY subject, id;

-- Messages, by the name of each; whom a rule was for, and whether they bought within 30 days.
CREATE TABLE messages AS
WITH went AS (
    SELECT subject, data->>'outreach_id' AS id, any_value(data->>'rule') AS rule,
           min(us) FILTER (type = 'rapport.outreach.sent.v1') AS sent,
           min(us) FILTER (type = 'rapport.outreach.failed.v1') AS failed,
           bool_or(type = 'rapport.outreach.sent.v1' AND data->>'asks' IS NOT NULL) AS asks
    FROM heard WHERE type IN ('rapport.outreach.sent.v1', 'rapport.outreach.failed.v1') AND data->>'rule' <> 'reply'
    GROUP BY ALL
)
SELECT *,
       EXISTS (FROM heard h WHERE h.type = 'rapport.outreach.bounced.v1' AND h.subject = went.subject
               AND h.data->>'outreach_id' = went.id) AS came_back,
       EXISTS (FROM heard h WHERE h.type = 'rapport.survey.answered.v1' AND h.subject = went.subject
               AND h.data->>'outreach_id' = went.id) AS answered
FROM went;

CREATE TABLE trials AS
WITH meant AS (
    SELECT subject, data->>'rule' AS rule, us, type = 'rapport.outreach.suppressed.v1' AS held FROM heard
    WHERE data->>'rule' NOT IN ('reply', 'manual')
      AND (type = 'rapport.outreach.sent.v1'
           OR (type = 'rapport.outreach.suppressed.v1' AND data->>'reason' = 'holdout'))
    QUALIFY row_number() OVER (PARTITION BY subject, data->>'rule' ORDER BY us, held DESC) = 1
)
SELECT *, EXISTS (FROM counted_orders o WHERE o.subject = meant.subject AND o.us > meant.us
                  AND o.us <= meant.us + 30 * 86_400_000_000) AS bought
FROM meant;

CREATE TABLE answers AS
WITH told AS (
    SELECT subject, us, pos, data->>'survey' AS survey, (data->>'score')::INT AS score,
           data->>'$.about.kind' AS about, data->>'$.about.id' AS id
    FROM heard WHERE type = 'rapport.survey.answered.v1'
    QUALIFY about IS NULL
         OR row_number() OVER (PARTITION BY subject, survey, about, id ORDER BY us DESC, pos DESC) = 1
)
SELECT t.subject, t.us, t.survey, t.score, coalesce(o.channel, c.channel, k.channel, '') AS channel,
       coalesce(o.store, '') AS store, coalesce(c.team, k.team, '') AS team
FROM told t
LEFT JOIN bought o ON t.about = 'order' AND o.subject = t.subject AND o.id = t.id
LEFT JOIN complaints c ON t.about = 'complaint' AND c.subject = t.subject AND c.id = t.id
LEFT JOIN talks k ON t.about = 'conversation' AND k.subject = t.subject AND k.conversation = t.id;

CREATE TABLE promises AS
WITH judged AS (
    SELECT subject, data->>'complaint_id' AS id, data->>'clock' AS clock, data->>'due_at' AS due, us,
           type = 'rapport.complaint.sla_met.v1' AS kept
    FROM heard WHERE type IN ('rapport.complaint.sla_met.v1', 'rapport.complaint.sla_breached.v1')
    QUALIFY row_number() OVER (PARTITION BY subject, id, clock, due, kept ORDER BY pos) = 1
)
SELECT * FROM judged QUALIFY kept OR NOT bool_or(kept) OVER (PARTITION BY subject, id, clock, due);

CREATE TABLE agents AS
WITH told AS (
    SELECT DISTINCT subject AS team, data->>'agent_id' AS agent, us,
           (data->>'on_shift')::BOOLEAN AND NOT coalesce((data->>'on_break')::BOOLEAN, FALSE) AS works
    FROM heard WHERE type = 'rapport.agent.changed.v1'
)
SELECT *, coalesce(lag(works) OVER (PARTITION BY team, agent ORDER BY us, works), FALSE) AS before FROM told;

CREATE TABLE facts AS
SELECT s.*, p.segment, p.tier FROM (
    SELECT survey AS kind, us, subject, channel, store, '' AS rule, team, '' AS name, score AS x, 0 AS y FROM answers
    UNION ALL SELECT 'order', us, subject, channel, store, '', '', currency, rest, 0 FROM counted_orders
    UNION ALL SELECT 'points', us, subject, '', '', '', '', regexp_extract(type, '^rapport\.points\.(\w+)\.v1$', 1),
                     (data->>'points')::BIGINT, 0 FROM heard WHERE type LIKE 'rapport.points.%' AND data->>'points' IS NOT NULL
    UNION ALL SELECT 'sentiment', us, subject, '', '', '', '', '', round((data->>'sentiment')::DOUBLE * 100)::BIGINT, 0
              FROM heard WHERE type = 'rapport.interaction.logged.v1' AND data->>'sentiment' IS NOT NULL
                AND data->>'direction' = 'inbound'
    UNION ALL SELECT 'open', l.us, l.subject, c.channel, '', '', c.team, '', l.opens, 0
              FROM life l JOIN complaints c USING (subject, id) WHERE l.opens <> 0
    UNION ALL SELECT 'first', l.us, l.subject, c.channel, '', '', c.team, '', l.first_s, 0
              FROM life l JOIN complaints c USING (subject, id) WHERE l.first_s IS NOT NULL
    UNION ALL SELECT 'next', l.us, l.subject, c.channel, '', '', c.team, '', l.next_s, 0
              FROM life l JOIN complaints c USING (subject, id) WHERE l.next_s IS NOT NULL
    UNION ALL SELECT 'resolution', s.us, s.subject, c.channel, '', '', c.team, '',
                     (SELECT max(l.took) FROM life l WHERE l.subject = s.subject AND l.id = s.id), 0
              FROM solved v JOIN steps s ON s.subject = v.subject AND s.id = v.id AND s.k = v.holds
              JOIN complaints c ON c.subject = s.subject AND c.id = s.id
    UNION ALL SELECT 'cause', s.us, s.subject, c.channel, '', '', c.team,
                     CASE WHEN s.cause IN ('carrier', 'price', 'cold chain broken', 'label not changed', 'order too small',
                                       'too few tills', 'training needed') THEN s.cause ELSE 'other' END, 1, 0
              FROM solved v JOIN steps s ON s.subject = v.subject AND s.id = v.id AND s.k = v.holds
              JOIN complaints c ON c.subject = s.subject AND c.id = s.id WHERE s.cause <> ''
    UNION ALL SELECT 'solved', v.first, v.subject, c.channel, '', '', c.team, '', v.again::INT, 0
              FROM solved v JOIN complaints c USING (subject, id) WHERE v.first IS NOT NULL
    UNION ALL SELECT 'clock', j.us, j.subject, coalesce(c.channel, ''), '', '', coalesce(c.team, ''), j.clock, j.kept::INT, 0
              FROM promises j LEFT JOIN complaints c USING (subject, id)
    UNION ALL SELECT 'sent', sent, subject, '', '', rule, '', '', came_back::INT, 0 FROM messages WHERE sent IS NOT NULL
    UNION ALL SELECT 'asked', sent, subject, '', '', rule, '', '', answered::INT, 0
              FROM messages WHERE sent IS NOT NULL AND (asks OR answered)
    UNION ALL SELECT 'failed', failed, subject, '', '', rule, '', '', 1, 0 FROM messages WHERE sent IS NULL
    UNION ALL SELECT 'refused', us, subject, '', '', data->>'rule', '', data->>'reason', 1, 0
              FROM heard WHERE type = 'rapport.outreach.suppressed.v1' AND data->>'rule' <> 'reply'
    UNION ALL SELECT 'trial', us, subject, '', '', rule, '', rule, held::INT, bought::INT FROM trials
    UNION ALL SELECT 'taken', h.us, h.subject, k.channel, '', '', k.team, '', 1, 0
              FROM hands h JOIN talks k USING (subject, conversation) WHERE h.taken
    UNION ALL SELECT 'carried', us, subject, channel, '', '', team, '', CASE WHEN taken THEN 1 ELSE -1 END, 0 FROM (
                  SELECT h.*, k.channel, k.team, lag(taken) OVER (PARTITION BY subject, conversation ORDER BY us, taken) AS before
                  FROM hands h JOIN talks k USING (subject, conversation)) WHERE taken <> coalesce(before, FALSE)
    UNION ALL SELECT 'at_work', us, team, '', '', '', team, '', CASE WHEN works THEN 1 ELSE -1 END, 0
              FROM agents WHERE works <> before
) s JOIN people p USING (subject);
