"""Mails that come back, as servers write them; ``{id}`` is the message's outreach, ``{mark}`` its mark."""

from shared.mail.marks import mark_of

KEY = b"k" * 32
"""Whose signature the mark is, unless the test says it."""

POSTFIX = """\
Return-Path: <>
Delivered-To: {to}
Date: Mon,  2 Mar 2026 12:00:01 +0000 (UTC)
From: MAILER-DAEMON@mx.example (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="8A1D.1/mx.example"
Message-Id: <20260302120001.1@mx.example>

This is a MIME-encapsulated message.

--8A1D.1/mx.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

<ada@example.org>: host in.example.org[192.0.2.1] said: {diagnosis} (in reply to RCPT TO command)

--8A1D.1/mx.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
X-Postfix-Queue-ID: 8A1D
Arrival-Date: Mon,  2 Mar 2026 12:00:00 +0000 (UTC)

Final-Recipient: rfc822; ada@example.org
Original-Recipient: rfc822;ada@example.org
Action: {action}
Status: {status}
Remote-MTA: dns; in.example.org
Diagnostic-Code: smtp; {diagnosis}

--8A1D.1/mx.example
Content-Description: Undelivered Message Headers
Content-Type: text/rfc822-headers

Return-Path: <bounces@news.example>
From: Store <hello@store.example>
To: Ada Byron <ada@example.org>
Subject: Thank you
Message-ID: <{id}@store.example>
CFBL-Feedback-ID: {mark}

--8A1D.1/mx.example--
"""

EXCHANGE = """\
From: <postmaster@corp.example>
To: <{to}>
Subject: Undeliverable: Thank you
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"
MIME-Version: 1.0

--b1
Content-Type: multipart/alternative; differences=Content-Type; boundary="b2"

--b2
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Your message couldn't be delivered to ada@corp.example.=

--b2
Content-Type: text/html; charset="us-ascii"

<p>Your message couldn't be delivered</p>

--b2--

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns;mx.corp.example

Final-recipient: RFC822; ada@corp.example
Action: failed
Status: 5.1.10
Diagnostic-code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found

--b1
Content-Type: message/rfc822

From: Store <hello@store.example>
To: ada@corp.example
Subject: Thank you
Message-ID:
 <{id}@store.example>
CFBL-Feedback-ID:
 {mark}
Content-Type: multipart/alternative; boundary="inner"

--inner
Content-Type: text/plain

Dear Ada
--inner--

--b1--
"""

QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@old.example
To: {to}
Subject: failure notice

Hi. This is the qmail-send program at old.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<ada@old.example>:
{diagnosis}

--- Below this line is a copy of the message.

Return-Path: <hello@store.example>
Received: (qmail 1 invoked from network); 2 Mar 2026 12:00:00 -0000
Message-ID: <{id}@store.example>
CFBL-Feedback-ID: {mark}
From: Store <hello@store.example>
To: ada@old.example
Subject: Thank you

Dear Ada
"""

ARF = """\
From: <feedback@isp.example>
To: <{to}>
Subject: FW: Thank you
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="arf"

--arf
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report for an email message received from IP 192.0.2.1.

--arf
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <{sender}>
Original-Rcpt-To: <redacted@isp.example>
Arrival-Date: Mon, 2 Mar 2026 12:00:00 GMT
Source-IP: 192.0.2.1

--arf
Content-Type: message/rfc822

From: Store <hello@store.example>
To: redacted@isp.example
Subject: Thank you
Message-ID: <{id}@store.example>
CFBL-Feedback-ID: {mark}

Dear Ada
--arf--
"""

VACATION = """\
Return-Path: <>
From: Ada Byron <ada@example.org>
To: {to}
Subject: Out of office: Thank you
Auto-Submitted: auto-replied
In-Reply-To: <{id}@store.example>

I am away. Your message could not be read before Monday; no such user will answer until then.
"""


def mail(text: str, id: str = "o-1", **more: str) -> bytes:
    """One of them, filled in."""
    told = {
        "to": "bounces@news.example",
        "action": "failed",
        "status": "5.1.1",
        "diagnosis": "550 5.1.1 <ada@example.org>: user unknown",
        "kind": "abuse",
        "sender": "hello@store.example",
        "mark": mark_of(KEY, id),
        **more,
    }
    return text.format(id=id, **told).replace("\n", "\r\n").encode()
