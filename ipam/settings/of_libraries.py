"""The usual options of libraries that read the same file. The libraries register them."""

from collections.abc import Mapping, Sequence
from typing import Final

FOREIGN: Final[Mapping[str, Sequence[tuple[str, str, str]]]] = {
    "keystone_authtoken": (
        (
            "www_authenticate_uri",
            "https://keystone.example.org/v3",
            "Keystone as clients reach it: named in the WWW-Authenticate header of a 401.",
        ),
        ("auth_url", "https://keystone.example.org/v3", "Keystone as the API reaches it."),
        ("auth_type", "password", "How the API signs in to check tokens."),
        ("username", "ipam", "The user that checks tokens: any user with the role service."),
        ("password", "secret", "Its password. Let nobody but the API's own user read the file."),
        ("user_domain_name", "Default", "The domain of that user."),
        ("project_name", "service", "The project of that user."),
        ("project_domain_name", "Default", "The domain of that project."),
        (
            "service_token_roles",
            "service",
            (
                "A request with an X-Service-Token of one of these roles is let in though the "
                "user's token has expired meanwhile, as Nova's long tasks need it."
            ),
        ),
        (
            "service_token_roles_required",
            "true",
            "Without it every valid token would count as a service token.",
        ),
        (
            "service_type",
            "network",
            "What the access rules of application credentials call this service.",
        ),
        (
            "memcached_servers",
            "127.0.0.1:11211",
            (
                "Where checked tokens are kept, for all API processes together. Empty keeps them"
                " in each process: right for one or two, one more check per token and process."
            ),
        ),
        (
            "memcache_security_strategy",
            "ENCRYPT",
            (
                "Sign (MAC) or sign and encrypt (ENCRYPT) what is kept there: who can write into"
                " an open memcached is anybody. Needs memcache_secret_key."
            ),
        ),
        ("memcache_secret_key", "secret", "The key for that, the same for every API process."),
        (
            "token_cache_time",
            "300",
            (
                "Seconds a checked token is trusted. A token that is revoked works this much "
                "longer; -1 asks Keystone for each request."
            ),
        ),
    ),
    "agent_keystone": (
        ("auth_type", "password", "How the agent signs in; or v3applicationcredential."),
        ("auth_url", "https://keystone.example.org/v3", "Keystone as the agent reaches it."),
        ("username", "ipam-agent", "A user with the role service."),
        ("password", "secret", "Its password. Let nobody but the agent's own user read the file."),
        ("user_domain_name", "Default", "The domain of that user."),
        ("project_name", "service", "The project of that user."),
        ("project_domain_name", "Default", "The domain of that project."),
    ),
    "nova": (
        ("auth_type", "password", "How the worker signs in to call Nova."),
        ("auth_url", "https://keystone.example.org/v3", "Keystone as the worker reaches it."),
        (
            "username",
            "ipam",
            "A user with the roles admin and service: Nova takes events from either, by release.",
        ),
        ("password", "secret", "Its password. Let nobody but the worker's user read the file."),
        ("user_domain_name", "Default", "The domain of that user."),
        ("project_name", "service", "The project of that user."),
        ("project_domain_name", "Default", "The domain of that project."),
        (
            "region_name",
            "RegionOne",
            "The region whose Nova it is; needed where there are several.",
        ),
        ("valid_interfaces", "internal,public", "Which of Nova's endpoints to use, best first."),
    ),
    "oslo_policy": (
        (
            "policy_file",
            "/etc/ipam/policy.yaml",
            (
                "Rules that replace the defaults of `ipam policy sample`; read when the API "
                "starts. A relative path is looked for beside the settings file."
            ),
        ),
    ),
}
"""By group: each option's name, an example of its value, its purpose."""
