-- Churn with a bound of P(alive), from the tables of facts.sql: of customers judged by what they buy.
-- Variables: quiet, bound, complaint, today, first, last (days). Left: `stays`: one row for each time that a
-- customer was one, from the first purchase of it to the day on which they left, or will have.
CREATE OR REPLACE TEMP MACRO day_of(us) AS us // 86_400_000_000;

CREATE OR REPLACE TEMP TABLE fits AS
SELECT data->>'model' AS model, us, (data->>'$.parameters.r')::DOUBLE AS r,
       (data->>'$.parameters.alpha')::DOUBLE AS alpha, (data->>'$.parameters.a')::DOUBLE AS a,
       (data->>'$.parameters.b')::DOUBLE AS b
FROM heard WHERE type = 'rapport.model.fitted.v1';

CREATE OR REPLACE TEMP TABLE silences AS
SELECT subject, day, row_number() OVER w - 1 AS x, min(day) OVER (PARTITION BY subject) AS began,
       lead(day) OVER w AS following
FROM (SELECT DISTINCT subject, day_of(us) AS day FROM counted_orders)
WINDOW w AS (PARTITION BY subject ORDER BY day);

-- Each day of each silence, by the parameters that held when it began.
CREATE OR REPLACE TEMP TABLE doubts AS
SELECT s.subject, s.day, d.d,
       CASE WHEN s.x > 0
            THEN f.a / (f.b + s.x - 1) * pow((f.alpha + (d.d - s.began) / 7) / (f.alpha + (s.day - s.began) / 7), f.r + s.x)
            ELSE f.a / f.b * pow((f.alpha + (d.d - s.began) / 7) / f.alpha, f.r) END AS odds,
       1 / (1 + odds) AS alive
FROM silences s,
LATERAL (SELECT unnest(range(s.day + 1, 1 + least(s.day + getvariable('quiet'), getvariable('today'),
                                                  coalesce(s.following, getvariable('today'))))) AS d) d
JOIN fits f ON f.us <= d.d * 86_400_000_000 AND f.model = CASE WHEN s.x > 0 THEN 'bg-nbd' ELSE 'mbg-nbd' END
QUALIFY row_number() OVER (PARTITION BY s.subject, s.day, d.d ORDER BY f.us DESC) = 1;

CREATE OR REPLACE TEMP TABLE ends AS
SELECT s.*, coalesce(
           (SELECT min(d.d) FROM doubts d WHERE d.subject = s.subject AND d.day = s.day AND d.alive < getvariable('bound')),
           CASE WHEN s.following IS NULL OR s.following > s.day + getvariable('quiet')
                THEN s.day + getvariable('quiet') + 1 END) AS leaves
FROM silences s;

CREATE OR REPLACE TEMP TABLE stays AS
SELECT *, CASE WHEN latest.day >= bought - getvariable('complaint') THEN latest.cause ELSE 'unknown' END AS reason
FROM (WITH numbered AS (
    SELECT *, sum(came) OVER (PARTITION BY subject ORDER BY day) AS stay FROM (
        SELECT *, CASE WHEN lag(day) OVER w IS NULL OR lag(leaves) OVER w <= day THEN 1 ELSE 0 END AS came
        FROM ends WINDOW w AS (PARTITION BY subject ORDER BY day))
), whole AS (
    SELECT subject, stay, min(day) AS begun, max(day) AS bought, arg_max(leaves, day) AS leaves
    FROM numbered GROUP BY subject, stay
)
SELECT f.*, (
    SELECT arg_max({'cause': CASE WHEN length(s.cause) > 64 THEN 'other' ELSE s.cause END, 'day': day_of(c.us)}, (c.us, s.cause)) FROM solved v
    JOIN steps s ON s.subject = v.subject AND s.id = v.id AND s.k = v.holds
    JOIN complaints c ON c.subject = v.subject AND c.id = v.id
    WHERE c.subject = f.subject AND s.cause <> '' AND day_of(c.us) < f.leaves
) AS latest
FROM whole f) found;
